"""Writes the leaderboard as a site of static files, which needs no server and fetches nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from mobench.errors import MobenchError
from mobench.publish.data.board_records import board_of
from mobench.publish.pages.board import Results, draw_all
from mobench.publish.pages.leaderboard import render
from mobench.publish.site.page_html import page_html
from mobench.publish.submission.files import require
from mobench.publish.submission.intake import MANIFEST, ROWS
from mobench.records.board import BoardResult
from mobench.store.atomic import write_text

DATA = "board.js"
_PAGE = "index.html"


@dataclass(frozen=True)
class Site:
    """A site that was written.

    Attributes:
        page: The file to open in a browser.
        results: How many results it shows.
    """

    page: Path
    results: int


def write_site(root: Path, out: Path, *, link: str | None = None, kept: Path | None = None) -> Site:
    """Writes a site of all results of a leaderboard.

    Args:
        root: The leaderboard's folder.
        out: The site's folder: a new one, an empty one, or an earlier site, which is replaced.
        link: Address of the leaderboard's folder for pages and rows, without which they are copied
            into the site.
        kept: As for :func:`mobench.publish.pages.board.draw_all`.

    Raises:
        MobenchError: There is no such leaderboard, or ``out`` holds something else.
        Problems: A result is malformed; nothing is written then.
    """
    require(root)
    _refuse_what_is_no_site(out)
    drawn = draw_all(root, kept)
    out.mkdir(parents=True, exist_ok=True)
    with as_file(files("mobench.publish.site") / "assets") as assets:
        shutil.copytree(assets, out, dirs_exist_ok=True)
    if link is None:
        _copy(root, out, drawn)
    results = [
        _told(result, link) for result in board_of([one.entry for one in drawn.drawn]).results
    ]
    write_text(out / DATA, f"const BOARD = {_script(results)};\n")
    return Site(out / _PAGE, len(results))


def _refuse_what_is_no_site(out: Path) -> None:
    """Files of other people's are never written over."""
    if out.exists() and not out.is_dir():
        raise MobenchError(f"{out} is a file", "name a folder with --out")
    if out.is_dir() and any(out.iterdir()) and not (out / DATA).is_file():
        raise MobenchError(
            f"{out} holds files and is no site that mobench wrote", "name a new folder with --out"
        )


def _copy(root: Path, out: Path, drawn: Results) -> None:
    """Copies what the site links to: pages with their plots, and the results' files."""
    for folder in ("organisms", "results"):
        shutil.rmtree(out / folder, ignore_errors=True)
    for name, content in render(drawn).items():
        if not name.startswith("organisms/"):
            continue
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            path.with_suffix(".html").write_text(page_html(content.decode()), encoding="utf-8")
        else:
            path.write_bytes(content)
    for one in drawn.drawn:
        place = f"results/{one.entry.submission.place}"
        shutil.copytree(root / place, out / place)


def _told(result: BoardResult, link: str | None) -> dict[str, Any]:
    """A result as the site's scripts know it: with its links."""
    base = "" if link is None else f"{link.rstrip('/')}/"
    page = result.page if link else result.page.replace(".md#", ".html#")
    return {
        **result.model_dump(mode="json"),
        "links": {
            "page": f"{base}{page}",
            "rows": f"{base}{result.files}/{ROWS}",
            "manifest": f"{base}{result.files}/{MANIFEST}",
        },
    }


def _script(results: Sequence[Mapping[str, Any]]) -> str:
    """JSON that is also JavaScript, and in which no text can end the script."""
    text = json.dumps({"results": results}, ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c")
