"""The glossary names what is really in the code, and the map of rooms names every room."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "mobench"
TERMS = re.findall(r"`([^`]+)`", "\n".join(
    line.rsplit("|", 2)[1]
    for line in (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("|") and not line.startswith("|---")
))  # fmt: skip


def names() -> set[str]:
    """Every name that some module of mobench defines."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                found.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
    return found


@pytest.mark.parametrize("term", sorted(set(TERMS)))
def test_what_the_glossary_names_is_there(term: str) -> None:
    if term.endswith(".py"):
        assert list(PACKAGE.rglob(term)) or (PACKAGE / term).is_file(), term
    elif "/" in term:
        assert (PACKAGE / term).is_dir() or list(ROOT.glob(f"**/{term}")), term
    elif term.islower() and (PACKAGE / term).is_dir():
        return
    else:
        assert set(term.lstrip("@").split(".")) <= names(), term


def test_the_map_of_rooms_has_every_room() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text[text.index("## Where things are") : text.index("## House rules")]
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")} - {"_shipped"}
    assert {room for room in rooms if f"{room}/" not in table} == set()
