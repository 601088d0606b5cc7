"""One submitted result: three files that everything on the leaderboard is recomputed from.

``results/<organism>/<task>/<id>/`` holds ``manifest.json``, ``cells.json`` and ``rows.jsonl.gz``.
The id is a hash of the three, so a file that was changed afterwards no longer has its own name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from mobench.assemble.staged_folder import put_in_place, staged_folder
from mobench.errors import MobenchError, Problems
from mobench.machine.garbage_collection import none_collected
from mobench.publish.submission import checks
from mobench.publish.submission.intake import (
    CELLS,
    MANIFEST,
    MOST_BYTES,
    ROWS,
    folder_problems,
    folders,
    read_regular,
)
from mobench.publish.submission.rows_file import pack, read_rows
from mobench.publish.submission.strict_json import compact, parse, parts_problem, pretty
from mobench.records.cells import FINISHED_CELL, FinishedCell
from mobench.records.json_objects import short
from mobench.records.manifest import Manifest
from mobench.records.rows import Row
from mobench.records.short_hash import DIGITS
from mobench.score.columns import Columns

REMEDY = (
    "A result's files are written by `mobench leaderboard add RUN`, never by hand:"
    " move the folder away and add the run again."
)
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Submission:
    """A result as submitted, checked for form; its numbers are not in it.

    Attributes:
        organism: Name of the organism, also the first folder's name.
        task: Name of the task, also the second folder's name.
        id: First 12 hex digits of a hash of the content, also the third folder's name.
        manifest: What was asked, of what, where.
        cells: One record for each run of the ladder, and for each control.
        rows: One record for each judged answer.
        columns: The rows once more, as columns.
    """

    organism: str
    task: str
    id: str
    manifest: Manifest
    cells: tuple[FinishedCell, ...]
    rows: tuple[Row, ...]
    columns: Columns = field(repr=False, compare=False)

    @property
    def place(self) -> str:
        """The folder below ``results/``."""
        return f"{self.organism}/{self.task}/{self.id}"


def require(root: Path) -> None:
    """Refuses a leaderboard's folder that is not there, or lies somewhere else.

    Raises:
        MobenchError: There is no such folder, or it is a link.
    """
    if root.is_symlink():
        # A pull request could put one in place of its own, to a folder where all is well.
        raise MobenchError(f"{root} is a link.", "Name the folder that it leads to.")
    if not root.is_dir():
        raise MobenchError(
            f"There is no folder {str(root)!r} here.",
            "Run this in the repository's root, or name the folder with --root.",
        )


def read_all(results: Path) -> list[Submission]:
    """Reads every submission below a folder, in order of organism, task and id.

    Raises:
        Problems: Naming all problems of all submissions, with file and line.
    """
    submissions: list[Submission] = []
    problems: list[str] = []
    with none_collected():
        for folder in folders(results, problems):
            try:
                submissions.append(read(folder))
            except Problems as found:
                problems += found.problems
    if problems:
        raise Problems(problems, REMEDY)
    return submissions


def read(folder: Path) -> Submission:
    """Reads and checks one submission.

    Raises:
        Problems: Naming all problems with file and line.
    """
    # 1. What of it can be read at all, by its entries.
    problems = folder_problems(folder)
    if problems:
        raise Problems(problems)

    # 2. What the files say.
    manifest = _read_json(folder / MANIFEST, dict, problems)
    cells = _read_json(folder / CELLS, list, problems)
    if problems:
        raise Problems(problems)
    digest = sha256(_head(manifest, cells))
    rows = read_rows(folder / ROWS, digest.update, problems)
    if problems:
        raise Problems(problems)

    # 3. Whether they agree, and have the names of what is in them.
    columns = _columns(rows)
    names = (MANIFEST, CELLS, ROWS)
    problems += checks.problems(manifest, cells, rows, columns, str(folder), names)
    if problems or columns is None:
        raise Problems(problems)
    known = Manifest.model_validate(manifest)
    problems += [f"{folder / MANIFEST}: {what}" for what in _misspelt(manifest, known.to_json())]
    for index, cell in enumerate(cells):
        right = FINISHED_CELL.validate_python(cell)
        problems += [f"{folder / CELLS}: cell {index}: {what}" for what in _misspelt(cell, right)]
    organism, task = manifest["organism"]["name"], manifest["task"]["name"]
    identity = digest.hexdigest()[:DIGITS]
    for path, name, what in (
        (folder.parent.parent, organism, "the organism's name in the manifest"),
        (folder.parent, task, "the task's name in the manifest"),
        (folder, identity, "the hash of the content, so a file in it was changed"),
    ):
        if path.name != name:
            problems.append(f"{path}: the folder's name should be {name!r}, {what}")
    if problems:
        raise Problems(problems)
    return Submission(
        organism=organism,
        task=task,
        id=identity,
        manifest=known,
        cells=tuple(cells),
        rows=tuple(rows),
        columns=columns,
    )


def _misspelt(given: Record, right: Record) -> list[str]:
    """Keys whose values are taken for what they are not written as, such as ``"100"`` for 100."""
    return [
        f"{key} should be written as {short(right.get(key))}, got {short(value)}"
        for key, value in given.items()
        if compact(value) != compact(right.get(key))
    ]


def write(results: Path, manifest: Record, cells: Iterable[Record], rows: Iterable[Record]) -> Path:
    """Writes a submission; the same content gives the same folder and the same bytes.

    Args:
        results: The leaderboard's ``results`` folder.
        manifest: The run's manifest.
        cells: The run's cell records, its controls' included, in any order.
        rows: All its rows, in any order, the organism's and the clean base's included.

    Returns:
        The submission's folder.

    Raises:
        Problems: If the run cannot be published; nothing is written then.
    """
    by_rung = sorted(cells, key=lambda c: (c.get("lr", 0.0), c.get("seed", 0), str(c.get("id"))))
    ordered = sorted(rows, key=_row_order)
    names = ("manifest", "cells", "rows")
    columns = _columns(ordered)
    found = checks.problems(manifest, by_rung, ordered, columns, "this run", names)
    if found:
        raise Problems(found, "Only a whole and finished run can go on the leaderboard.")
    identity = content_id(manifest, by_rung, ordered)
    organism, task = str(manifest["organism"]["name"]), str(manifest["task"]["name"])
    folder = results / organism / task / identity
    contents = {
        MANIFEST: pretty(manifest).encode(),
        CELLS: pretty(by_rung).encode(),
        ROWS: pack(ordered),
    }
    found = [
        f"{name} has {len(content)} bytes, and a leaderboard reads at most {MOST_BYTES[name]}"
        for name, content in contents.items()
        if len(content) > MOST_BYTES[name]
    ]
    if found:
        raise Problems(found)
    # A result that is half there would be refused by every later build of the pages.
    with staged_folder(folder) as staging:
        for name, content in contents.items():
            (staging / name).write_bytes(content)
        put_in_place(staging, folder, lambda there: _holds(there, contents) or None)
    return folder


def _holds(folder: Path, contents: Mapping[str, bytes]) -> bool:
    """Whether a folder holds these files and no others."""
    names = {path.name for path in folder.iterdir()}
    return names == contents.keys() and all(
        (folder / name).read_bytes() == content for name, content in contents.items()
    )


def content_id(manifest: Record, cells: Sequence[Record], rows: Iterable[Record]) -> str:
    """Hashes what is in the files, whatever their white space and compression.

    Args:
        manifest: The manifest.
        cells: The cell records.
        rows: The rows.
    """
    digest = sha256(_head(manifest, cells))
    for row in rows:
        digest.update(f"{compact(row)}\n".encode())
    return digest.hexdigest()[:DIGITS]


def _head(manifest: Record, cells: Sequence[Record]) -> bytes:
    """What is hashed before the rows."""
    return "".join(f"{compact(record)}\n" for record in (manifest, list(cells))).encode()


def _row_order(row: Record) -> tuple[object, ...]:
    cell = str(row.get("cell"))
    place = {"base": 0, "organism": 1}.get(cell, 2)
    step = row.get("step")
    rest = (str(row.get("kind")), str(row.get("task")), str(row.get("prompt")))
    draw = row.get("draw")
    drawn = draw if isinstance(draw, int) else -1
    return place, cell, step if isinstance(step, int) else -1, *rest, drawn


def _columns(rows: Sequence[Any]) -> Columns | None:
    """The rows as columns; None if any is too odd for that, which checking will then tell."""
    try:
        return Columns.of(rows)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _read_json(path: Path, kind: type, problems: list[str]) -> Any:
    try:
        text = read_regular(path, MOST_BYTES[path.name]).decode("utf-8")
        if too_much := parts_problem(text):
            raise ValueError(too_much)
        value = parse(text)
        # Half a character, which JSON can write and no file can hold.
        compact(value).encode()
    except json.JSONDecodeError as error:
        problems.append(f"{path}:{error.lineno}: not JSON: {error.msg}")
    except (OSError, ValueError, RecursionError) as error:
        problems.append(f"{path}: {error}")
    else:
        if isinstance(value, kind):
            return value
        problems.append(f"{path}: expected a JSON {'object' if kind is dict else 'list'}")
    return kind()
