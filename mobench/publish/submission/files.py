"""One submitted result: three files that everything on the leaderboard is recomputed from.

``results/<organism>/<task>/<id>/`` holds ``manifest.json``, ``cells.json`` and ``rows.jsonl.gz``.
The id is a hash of the three, so a file that was changed afterwards no longer has its own name.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from mobench.assemble.staged_folder import put_in_place, staged_folder
from mobench.errors import MobenchError, Problems
from mobench.machine.garbage_collection import none_collected
from mobench.publish.submission import checks
from mobench.records.cells import FinishedCell
from mobench.records.manifest import Manifest
from mobench.records.rows import Row
from mobench.records.short_hash import hash_of
from mobench.score.columns import Columns

MANIFEST, CELLS, ROWS = "manifest.json", "cells.json", "rows.jsonl.gz"
REMEDY = (
    "A result's files are written by `mobench leaderboard add RUN`, never by hand:"
    " move the folder away and add the run again."
)
# Far above any real result: a few bytes of gzip can hold gigabytes.
_MOST_BYTES = 1 << 30

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
    """Refuses a leaderboard's folder that is not there.

    Raises:
        MobenchError: There is no such folder.
    """
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
    problems: list[str] = []
    for path in sorted(folder.iterdir()):
        if path.name not in {MANIFEST, CELLS, ROWS}:
            problems.append(f"{path}: does not belong in a result")
    manifest = _read_json(folder / MANIFEST, dict, problems)
    cells = _read_json(folder / CELLS, list, problems)
    rows, text = _read_rows(folder / ROWS, problems)
    if problems:
        raise Problems(problems)
    columns = _columns(rows)
    names = (MANIFEST, CELLS, ROWS)
    problems += checks.problems(manifest, cells, rows, columns, str(folder), names)
    if problems or columns is None:
        raise Problems(problems)
    organism, task = manifest["organism"]["name"], manifest["task"]["name"]
    identity = content_id(manifest, cells, rows, text)
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
        manifest=Manifest.model_validate(manifest),
        cells=tuple(cells),
        rows=tuple(rows),
        columns=columns,
    )


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
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as packed:
        packed.writelines(f"{_compact(row)}\n".encode() for row in ordered)
    contents = {
        MANIFEST: _pretty(manifest).encode(),
        CELLS: _pretty(by_rung).encode(),
        ROWS: buffer.getvalue(),
    }
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


def content_id(
    manifest: Record, cells: Sequence[Record], rows: Sequence[Record], text: str | None = None
) -> str:
    """Hashes what is in the files, whatever their white space and compression.

    Args:
        manifest: The manifest.
        cells: The cell records.
        rows: The rows.
        text: The rows as they are written, where that is known to be one compact line for each.
    """
    head = "".join(f"{_compact(record)}\n" for record in (manifest, list(cells)))
    if text is None:
        text = "".join(f"{_compact(row)}\n" for row in rows)
    return hash_of((head + text).encode())


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


def folders(results: Path, problems: list[str]) -> list[Path]:
    """Finds the results' folders, in order of organism, task and id.

    Args:
        results: The leaderboard's ``results`` folder.
        problems: Receives what is no folder on the way to them.
    """
    level = [results] if results.is_dir() else []
    for _ in range(3):
        below = [path for folder in level for path in sorted(folder.iterdir())]
        below = [path for path in below if not path.name.startswith(".")]
        for path in below:
            if path.is_symlink() or not path.is_dir():
                problems.append(f"{path}: expected <organism>/<task>/<id>/ folders only")
        level = [path for path in below if path.is_dir() and not path.is_symlink()]
    return level


def _read_json(path: Path, kind: type, problems: list[str]) -> Any:
    try:
        value = _parse(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        problems.append(f"{path}:{error.lineno}: not JSON: {error.msg}")
    except FileNotFoundError:
        problems.append(f"{path}: missing")
    except (OSError, ValueError, RecursionError) as error:
        problems.append(f"{path}: {error}")
    else:
        if isinstance(value, kind):
            return value
        problems.append(f"{path}: expected a JSON {'object' if kind is dict else 'list'}")
    return kind()


def _read_rows(path: Path, problems: list[str]) -> tuple[list[Any], str | None]:
    """The rows, and their text if it is one compact line for each."""
    try:
        with gzip.open(path, "rb") as packed:
            content = packed.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ValueError(f"more than {_MOST_BYTES} bytes when unpacked")
        text = content.decode("utf-8")
    except FileNotFoundError:
        problems.append(f"{path}: missing")
        return [], None
    except (OSError, EOFError, zlib.error, ValueError) as error:
        problems.append(f"{path}: {error}")
        return [], None
    lines = text.split("\n")
    if lines[-1] == "" and (compact := _all_compact(lines[:-1])) is not None:
        return compact, text
    rows = []
    for number, line in enumerate(lines[:-1] if lines[-1] == "" else lines, start=1):
        try:
            rows.append(_parse(line))
        except (ValueError, RecursionError) as error:
            problems.append(f"{path}:{number}: not JSON: {error}")
            if len(problems) >= checks.ENOUGH:
                break
    return rows, None


def _all_compact(lines: list[str]) -> list[Any] | None:
    """All rows at once, many times as fast as line by line; None if any line is not compact.

    No string goes over the end of a line, and no object holds another, so a line that begins and
    ends with a brace is one or more whole objects, and as many objects as lines are one in each.
    """
    whole = ",\n".join(lines)
    flat = '":{' not in whole and '":[' not in whole
    if not flat or not all(line.startswith("{") and line.endswith("}") for line in lines):
        return None
    try:
        rows: list[Any] = _parse(f"[{whole}]")
        same = len(rows) == len(lines) and _compact(rows) == f"[{','.join(lines)}]"
    except (ValueError, RecursionError):
        return None
    return rows if same else None


def _parse(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")


def _compact(record: object) -> str:
    return json.dumps(
        record, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )


def _pretty(record: object) -> str:
    return json.dumps(record, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
