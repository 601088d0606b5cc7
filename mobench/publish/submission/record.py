"""``leaderboard/record.jsonl``: what people decided about results, a line each, never changed.

A result that was found wrong is excluded with the reason and stays in the tree: what quietly went
away could come back, and nobody would know. One that was published before its organism changed is
kept as it was reported. Each line names the hash of the line before it, so none can be taken out or
changed without all later ones being written anew.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from mobench.errors import MobenchError, Problems
from mobench.publish.submission.intake import read_regular
from mobench.publish.submission.standing import Standing
from mobench.publish.submission.strict_json import compact, parse
from mobench.records.reading import shape_problems
from mobench.records.short_hash import hash_of

NAME: Final = "record.jsonl"
MOST_BYTES = 8 << 20
_PLACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*/[0-9a-f]{12}")
REMEDY = "take the file from the main branch, and add lines with `mobench leaderboard exclude`"

Decision = Literal["self-reported", "excluded"]


@with_config(ConfigDict(extra="forbid"))
class Line(TypedDict):
    """One decision.

    Attributes:
        after: The hash of the line before; empty in the first.
        date: When it was decided, ISO 8601.
        result: ``organism/task/id``.
        status: ``excluded``, or ``self-reported``: kept as it was reported.
        reason: Why.
    """

    after: str
    date: str
    result: str
    status: Decision
    reason: str


_LINE: TypeAdapter[Line] = TypeAdapter(Line)


@dataclass(frozen=True)
class Record:
    """All decisions.

    Attributes:
        standings: The last one about each result, by its place.
        last: The hash of the last line.
    """

    standings: dict[str, Standing]
    last: str = ""


def read_record(root: Path) -> Record:
    """Reads a leaderboard's record; an empty one where there is none.

    Args:
        root: The leaderboard's folder.

    Raises:
        Problems: A line is malformed, or was changed or taken out.
    """
    path = root / NAME
    if not path.is_symlink() and not path.exists():
        return Record({})
    try:
        text = read_regular(path, MOST_BYTES).decode("utf-8")
    except (OSError, ValueError) as error:
        raise Problems([f"{path}: {error}"], REMEDY) from error
    standings: dict[str, Standing] = {}
    last, problems = "", []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            decided = _LINE.validate_python(parse(line))
        except ValidationError as error:
            problems += [f"{path}:{number}: {what}" for what in shape_problems(error)]
            break
        except (ValueError, RecursionError) as error:
            problems.append(f"{path}:{number}: not JSON: {error}")
            break
        what = _problem(decided, line, last, standings)
        if what:
            problems.append(f"{path}:{number}: {what}")
            break
        standings[decided["result"]] = Standing(decided["status"], decided["reason"])
        last = hash_of(line.encode())
    if problems:
        raise Problems(problems, REMEDY)
    return Record(standings, last)


def _problem(line: Line, text: str, last: str, standings: dict[str, Standing]) -> str:
    if compact(line) != text:
        return "not written as lines are written here"
    if line["after"] != last:
        return (
            f"after should be {last!r}, the hash of the line before: one was changed or taken out"
        )
    if not _PLACE.fullmatch(line["result"]):
        return f"result should be organism/task/id, got {line['result']!r}"
    if not line["reason"].strip():
        return "reason is empty"
    before = standings.get(line["result"])
    if before is not None and before.status == "excluded":
        return f"{line['result']} is excluded already, which is for good"
    return ""


def append(root: Path, result: str, status: Decision, reason: str, date: str) -> None:
    """Adds a decision.

    Args:
        root: The leaderboard's folder.
        result: The result's place below ``results``.
        status: What is decided.
        reason: Why.
        date: When, ISO 8601.

    Raises:
        MobenchError: There is no such result, or the line would not be a sound one.
        Problems: The record is not sound.
    """
    record = read_record(root)
    line: dict[str, Any] = {
        "after": record.last,
        "date": date,
        "result": result,
        "status": status,
        "reason": reason,
    }
    text = compact(line)
    wrong = _problem(_LINE.validate_python(line), text, record.last, record.standings)
    if wrong:
        raise MobenchError(f"{root / NAME}: {wrong}")
    if not (root / "results" / result).is_dir():
        raise MobenchError(f"{root / 'results' / result}: there is no such result")
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    with open(os.open(root / NAME, flags, 0o644), "a", encoding="utf-8") as file:
        file.write(f"{text}\n")


def appended_problem(before: bytes, after: bytes) -> str:
    """Why one record is not another with lines added; empty if it is.

    Args:
        before: The main branch's.
        after: A pull request's.
    """
    if after.startswith(before):
        return ""
    lines, more = before.splitlines(), after.splitlines()
    number = next(
        (n for n, line in enumerate(lines) if n >= len(more) or more[n] != line), len(lines)
    )
    what = "taken out" if number >= len(more) else "changed"
    return f"{NAME}:{number + 1}: the main branch's line was {what}; lines are only added"
