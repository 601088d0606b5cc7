"""Builds the leaderboard's pages from its results, and says whether they are up to date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mobench.publish.data.board_files import (
    JSON,
    PARQUET,
    board_json,
    board_parquet,
    same_table,
)
from mobench.publish.data.board_records import board_of
from mobench.publish.pages.board import Drawn, draw_all
from mobench.publish.pages.entry import Entry, page_of
from mobench.publish.pages.front_page import MARKER, front_page
from mobench.publish.pages.task_page import task_page
from mobench.publish.submission.files import require

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
    """

    results: int
    written: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """A file that is not what the results give.

    Attributes:
        path: Relative to the leaderboard's folder.
        what: ``differs``, ``missing`` or ``stray``, with an explanation.
    """

    path: str
    what: str


def build(root: Path, kept: Path | None = None) -> Built:
    """Regenerates every page below a leaderboard's folder; a second build changes nothing.

    Only files that carry the generated mark are ever removed. Many results are read by several
    processes, so a script that calls this does it below ``if __name__ == "__main__"``.

    Args:
        root: The leaderboard's folder.
        kept: As for :func:`mobench.publish.pages.board.draw_all`.

    Raises:
        MobenchError: If there is no such folder.
        Problems: If any result is malformed; nothing is written then.
    """
    require(root)
    drawn = draw_all(root / "results", kept)
    pages = render(drawn)
    written = []
    for name, content in pages.items():
        path = root / name
        if not path.is_file() or not _same(path, content):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            written.append(name)
    removed = []
    for name in _stray(root, pages):
        if MARKER.encode() in (root / name).read_bytes():
            (root / name).unlink()
            removed.append(name)
    return Built(len(drawn), tuple(written), tuple(removed))


def check(root: Path, kept: Path | None = None) -> list[Difference]:
    """Compares the pages with what the results give, and writes nothing.

    Args:
        root: The leaderboard's folder.
        kept: As for :func:`mobench.publish.pages.board.draw_all`.

    Returns:
        One entry for each file that differs, is missing or does not belong; empty if all is well.

    Raises:
        MobenchError: If there is no such folder.
        Problems: If any result is malformed.
    """
    require(root)
    pages = render(draw_all(root / "results", kept))
    found = []
    for name, content in pages.items():
        path = root / name
        if not path.is_file():
            found.append(Difference(name, "missing"))
        elif not _same(path, content):
            found.append(Difference(name, "differs"))
    for name in _stray(root, pages):
        generated = MARKER.encode() in (root / name).read_bytes()
        what = "no result stands behind it" if generated else "not generated: move it elsewhere"
        found.append(Difference(name, f"stray: {what}"))
    return sorted(found, key=lambda difference: difference.path)


def render(drawn: Sequence[Drawn]) -> dict[str, bytes]:
    """Makes every page: path below the leaderboard's folder → content."""
    entries = [one.entry for one in drawn]
    pages = {"README.md": front_page(entries).encode()}
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
    """Files among the organism pages that are none."""
    paths = sorted((root / _ORGANISMS).rglob("*"))
    names = [path.relative_to(root).as_posix() for path in paths if path.is_file()]
    return [name for name in names if name not in pages]
