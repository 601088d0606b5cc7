"""Every judged answer of a leaderboard in one table, each with what it is an answer of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mobench.errors import MobenchError, Problems, did_you_mean
from mobench.progress import Progress
from mobench.publish.data.arrow_schema import arrow_schema
from mobench.publish.submission.files import REMEDY, Submission, read, require
from mobench.publish.submission.intake import folders
from mobench.records.answers import PublishedAnswer
from mobench.records.cells import FinishedCell, arm_of
from mobench.records.names import ANSWERS_SCHEMA, LADDER, UNTRAINED
from mobench.store.atomic import write_with

_UNTRAINED_ARM, _LADDER_ARM = "untrained", "ladder"


def write_answers(
    root: Path,
    out: Path,
    *,
    organism: str | None = None,
    task: str | None = None,
) -> int:
    """Writes the answers of a leaderboard's results as a Parquet file.

    Args:
        root: The leaderboard's folder.
        out: The file; one that is there is replaced once the new one is whole.
        organism: Only results of this one.
        task: Only results on this task.

    Returns:
        How many answers there are.

    Raises:
        MobenchError: There is no such folder, or no such result.
        Problems: A result is malformed.
    """
    require(root)
    problems: list[str] = []
    places = folders(root / "results", problems)
    if problems:
        raise Problems(problems, REMEDY)
    places = _chosen(places, "organism", organism, lambda place: place.parent.parent.name)
    places = _chosen(places, "task", task, lambda place: place.parent.name)
    schema = arrow_schema(PublishedAnswer, ANSWERS_SCHEMA)
    count = 0

    def write(staging: Path) -> None:
        nonlocal count
        with (
            Progress().phase("results", len(places)) as tick,
            pq.ParquetWriter(staging, schema, compression="zstd") as writer,
        ):
            for place in places:
                submission = read(place)
                writer.write_table(answer_table(submission, schema))
                count += len(submission.rows)
                tick()

    write_with(out, write)
    return count


def answer_table(submission: Submission, schema: pa.Schema) -> pa.Table:
    """One result's answers as a table.

    Args:
        submission: The result.
        schema: That of :class:`PublishedAnswer`.
    """
    cells = {str(cell["id"]): cell for cell in submission.cells}
    given = {
        "result": submission.id,
        "organism": submission.organism,
        "task": submission.task,
    }
    about = {name: {**given, **_cell(cell)} for name, cell in cells.items()}
    about |= {name: {**given, "arm": _UNTRAINED_ARM} for name in UNTRAINED}
    rows = []
    for row in submission.rows:
        told: dict[str, Any] = dict(row)
        told["capability_task"] = told.pop("task", None) or None
        told["prompt"] = str(row["prompt"])
        told["outcome"] = None if row["outcome"] is None else float(row["outcome"])
        rows.append({**told, **about[row["cell"]]})
    return pa.Table.from_pylist(rows, schema=schema)


def _cell(cell: FinishedCell) -> dict[str, Any]:
    arm = arm_of(cell)
    return {
        "arm": _LADDER_ARM if arm == LADDER else arm,
        "trained_on": cell["task"],
        "method": cell["method"],
        "lr": float(cell["lr"]),
        "seed": int(cell["seed"]),
        "budget": int(cell["steps"]),
    }


def _chosen(
    places: Sequence[Path], what: str, wanted: str | None, name: Callable[[Path], str]
) -> list[Path]:
    """Those of one organism or task; all where none is named."""
    if wanted is None:
        return list(places)
    names = sorted({name(place) for place in places})
    if wanted not in names:
        raise MobenchError(
            f"no result of {what} {wanted!r} is on this leaderboard.{did_you_mean(wanted, names)}",
            f"There are: {', '.join(names)}" if names else "It has no results yet.",
        )
    return [place for place in places if name(place) == wanted]
