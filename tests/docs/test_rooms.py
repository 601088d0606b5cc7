"""Rooms import one way, in the order of the map in CONTRIBUTING.md; modules never in a circle."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GROUND = ["common_prefix", "errors", "deadline", "quiet", "progress", "run_options"]
"""Modules beside the rooms that all rooms may import."""


def room_order() -> list[str]:
    """The rooms of the map from top to bottom; in one row from left to right."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text[text.index("## Where things are") : text.index("## House rules")]
    cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    return [name for cell in cells for name in re.findall(r"`(?:mobench/)?(\w+)/`", cell)]


def modules(*packages: str) -> dict[str, Path]:
    """Every module of some packages, by its name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for package in packages
        for path in (ROOT / package).rglob("*.py")
    }


def imports(path: Path, known: dict[str, Path]) -> set[str]:
    """The known modules that a file imports anywhere in it, in functions and for types too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                found.add(submodule if submodule in known else node.module)
    return found & known.keys()


def room_of(module: str) -> str:
    return module.split(".")[1]


def test_a_room_imports_only_what_stands_above_it() -> None:
    known = {name: path for name, path in modules("mobench").items() if "." in name}
    order = ["mobench", *GROUND, *room_order(), "__main__"]
    place = {room: number for number, room in enumerate(order)}
    assert {room_of(name) for name in known} - {"_shipped"} <= place.keys()
    upward = [
        f"{name} imports {imported}"
        for name, path in known.items()
        for imported in imports(path, known)
        if place[room_of(imported)] > place[room_of(name)]
    ]
    assert upward == []


@pytest.mark.parametrize("package", ["mobench", "benchmarks"])
def test_no_modules_import_each_other_in_a_circle(package: str) -> None:
    known = {name: path for name, path in modules(package).items() if name != "mobench"}
    graph = {name: imports(path, known) for name, path in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_scoring_needs_no_model_and_no_files() -> None:
    names = ", ".join(name for name in modules("mobench/score"))
    heavy = ["torch", "transformers", "mobench.store", "mobench.measure", "mobench.train"]
    code = f"import sys, {names}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
