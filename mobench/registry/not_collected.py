"""What stands in files that could not be read or imported.

Whoever names it is not wrong: the file is. So it is told as a consequence of the file's problem.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mobench.errors import Consequence
from mobench.registry.decorators import FailedImport

_REGISTERED = re.compile(r"""^@(?:\w+\.)?(?:task|behavior)\(\s*["']([^"']+)["']""", re.MULTILINE)
"""A registration, as a file has it that cannot be run to say what it registers."""


@dataclass(frozen=True)
class NotCollected:
    """Names that a file would have given, each with the problem of that file.

    Attributes:
        functions: Tasks and behaviors.
        rubrics: Rubrics.
    """

    functions: Mapping[str, str] = field(default_factory=dict)
    rubrics: Mapping[str, str] = field(default_factory=dict)


def import_problems(failed: Sequence[FailedImport]) -> list[str]:
    """``file:line: what`` for each failed import.

    A file that failed because of another one that it imports is a consequence of that one.
    """
    causes = _causes(failed)
    return [
        one.problem
        if causes[one.path] == one.problem
        else Consequence(one.problem, causes[one.path])
        for one in failed
    ]


def functions_not_collected(failed: Sequence[FailedImport]) -> dict[str, str]:
    """The tasks and behaviors of files that could not be imported, as their text names them."""
    causes = _causes(failed)
    return {
        name: causes[one.path] for one in failed for name in _REGISTERED.findall(_text(one.path))
    }


def _causes(failed: Iterable[FailedImport]) -> dict[Path, str]:
    """For each file the problem that it failed of: its own, or that of a file that it imports."""
    own = {one.path: one.problem for one in failed}
    return {one.path: own.get(one.origin, one.problem) for one in failed}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
