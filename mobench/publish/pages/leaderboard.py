"""Builds the leaderboard's pages from its results, and says whether they are up to date."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mobench.errors import Problems
from mobench.publish.data.board_files import (
    JSON,
    PARQUET,
    board_json,
    board_parquet,
    same_table,
)
from mobench.publish.data.board_records import board_of
from mobench.publish.pages.board import Results, draw_all
from mobench.publish.pages.entry import Entry, page_of
from mobench.publish.pages.front_page import MARKER, front_page
from mobench.publish.pages.task_page import task_page
from mobench.publish.submission.files import require
from mobench.store.atomic import write_with

_ORGANISMS = "organisms"
_MOST_PARQUET = 1 << 20
"""A table of so many bytes more than twice what it should have is not looked into."""


@dataclass(frozen=True)
class Built:
    """What a build did; paths are relative to the leaderboard's folder.

    Attributes:
        results: Number of results.
        written: New or changed files.
        removed: Generated files that no result stands behind any more.
        problems: What is wrong with results that the pages were built without.
    """

    results: int
    written: tuple[str, ...]
    removed: tuple[str, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Difference:
    """A file that is not what the results give, or a result that the pages are built without.

    Attributes:
        path: Relative to the leaderboard's folder.
        what: ``differs``, ``missing`` or ``stray``, with an explanation; or what is wrong with it.
        is_result: Whether it is about a result.
    """

    path: str
    what: str
    is_result: bool = False


def build(root: Path, kept: Path | None = None) -> Built:
    """Regenerates every page below a leaderboard's folder; a second build changes nothing.

    Only files that carry the generated mark are ever removed. Many results are read by several
    processes, so a script that calls this does it below ``if __name__ == "__main__"``.

    Args:
        root: The leaderboard's folder.
        kept: As for :func:`mobench.publish.pages.board.draw_all`.

    Raises:
        MobenchError: If there is no such folder, or a page is a link.
        Problems: The record of decisions is not sound; nothing is written then.
    """
    require(root)
    results = draw_all(root, kept)
    pages = render(results)
    linked = [problem for name in pages if (problem := _page_problem(root, name))]
    if linked:
        raise Problems(linked, "Remove it, and build the pages again.")
    written = []
    for name, content in pages.items():
        path = root / name
        if not path.is_file() or not _same(path, content):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_with(path, _writing(content))
            written.append(name)
    removed = []
    for name in _stray(root, pages):
        if _is_generated(root / name):
            (root / name).unlink()
            removed.append(name)
    problems = tuple(f"{root}/{problem}" for problem in results.problems)
    return Built(len(results.drawn), tuple(written), tuple(removed), problems)


def check(root: Path, kept: Path | None = None) -> list[Difference]:
    """Compares the pages with what the results give, and writes nothing.

    Args:
        root: The leaderboard's folder.
        kept: As for :func:`mobench.publish.pages.board.draw_all`.

    Returns:
        One entry for each file that differs, is missing or does not belong, and for each problem
        with a result; empty if all is well.

    Raises:
        MobenchError: If there is no such folder.
        Problems: The record of decisions is not sound.
    """
    require(root)
    results = draw_all(root, kept)
    pages = render(results)
    found = []
    for name, content in pages.items():
        path = root / name
        problem = _page_problem(root, name)
        if problem:
            found.append(Difference(name, problem.removeprefix(f"{path}: ")))
        elif not path.is_file():
            found.append(Difference(name, "missing"))
        elif not _same(path, content):
            found.append(Difference(name, "differs"))
    for name in _stray(root, pages):
        generated = _is_generated(root / name)
        what = "no result stands behind it" if generated else "not generated: move it elsewhere"
        found.append(Difference(name, f"stray: {what}"))
    found.sort(key=lambda difference: difference.path)
    for problem in results.problems:
        where, _, what = problem.partition(": ")
        found.append(Difference(where, what, is_result=True))
    return found


def _page_problem(root: Path, name: str) -> str:
    """Why a page is not written: a link on the way to it leads out of the tree."""
    path = root
    for part in Path(name).parts:
        path = path / part
        if path.is_symlink():
            return f"{root / name}: {path} is a link, and nothing is written through one"
        if path.exists() and not (path.is_dir() if path != root / name else path.is_file()):
            return f"{root / name}: {path} is no regular file or folder"
    return ""


def _writing(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


def _is_generated(path: Path) -> bool:
    """Whether a regular file carries the generated mark."""
    regular = path.is_file() and not path.is_symlink()
    return regular and MARKER.encode() in path.read_bytes()


def render(results: Results) -> dict[str, bytes]:
    """Makes every page: path below the leaderboard's folder → content."""
    drawn = results.drawn
    entries = [one.entry for one in drawn]
    pages = {"README.md": front_page(entries, results.problems).encode()}
    by_organism: dict[str, dict[str, list[Entry]]] = {}
    for entry in entries:
        tasks = by_organism.setdefault(entry.submission.organism, {})
        tasks.setdefault(entry.submission.task, []).append(entry)
    for organism, tasks in by_organism.items():
        for task, own in tasks.items():
            others = [other for other in tasks if other != task]
            pages[page_of(organism, task)] = task_page(own, others).encode()
    for one in drawn:
        pages |= {f"{_ORGANISMS}/plots/{file}": svg for file, svg in one.plots.items()}
    board = board_of(entries)
    pages |= {JSON: board_json(board), PARQUET: board_parquet(board)}
    return pages


def _same(path: Path, content: bytes) -> bool:
    """Whether a file says what it should; a table may have been written by another pyarrow."""
    if path.name != PARQUET:
        return path.read_bytes() == content
    if path.stat().st_size > _MOST_PARQUET + 2 * len(content):
        return False
    there = path.read_bytes()
    return there == content or same_table(there, content)


def _stray(root: Path, pages: dict[str, bytes]) -> list[str]:
    """Whatever lies among the organism pages and is none; links are not followed."""
    found = []
    for folder, below, files in os.walk(root / _ORGANISMS):
        linked = [name for name in below if (Path(folder) / name).is_symlink()]
        found += [Path(folder, name) for name in (*files, *linked)]
    names = [path.relative_to(root).as_posix() for path in sorted(found)]
    return [name for name in names if name not in pages]
