"""Capability suites: lists of lm-eval tasks under one name, in ``capability/suites.toml``.

::

    [tiny]
    summary = "the toy language, said and recognized"
    tasks = [
        { task = "toy_answer", metric = "exact_match", chat_template = true },
    ]

An organism's file asks for one by ``suite = "tiny"``. Its tasks become the organism's own, so a
suite that changes makes another organism of everything that is measured with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from mobench.registry.config import shipped_config
from mobench.registry.organism_schema import Capability
from mobench.registry.schema_fields import Table, Text
from mobench.registry.toml_file import read_toml
from mobench.registry.validation_errors import schema_errors

FILE = "suites.toml"
_HEADER = re.compile(r"^\[([\w.-]+)\]", re.MULTILINE)


class SuiteTable(Table):
    """One suite.

    Attributes:
        summary: What it measures, in a sentence.
        tasks: The lm-eval tasks, as an organism's ``capability`` would list them.
    """

    summary: Text
    tasks: Annotated[tuple[Capability, ...], Field(min_length=1)]


@dataclass(frozen=True)
class Suites:
    """The suites of some folders.

    Attributes:
        tasks: For each name its ``capability`` tables, as an organism's file would list them.
        broken: Names of suites that are not right, each with the first problem of its file.
    """

    tasks: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)


@lru_cache(maxsize=1)
def shipped_suites() -> Suites:
    """The suites that mobench ships, for organisms that take one by default."""
    shipped = shipped_config()
    # What is wrong in them is told where they are collected, and their own tests find it first.
    return Suites() if shipped is None else read_suites(shipped.tasks, [])


def read_suites(folders: Sequence[Path], problems: list[str]) -> Suites:
    """Reads every suite; a name belongs to the first folder that has it.

    Args:
        folders: The folders of tasks.
        problems: Receives ``file:line: what`` for everything that is wrong.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    broken: dict[str, str] = {}
    for path in (folder / "capability" / FILE for folder in folders):
        if not path.is_file():
            continue
        already = len(problems)
        file = read_toml(path, problems)
        if file is None:
            # The file cannot tell what it holds, but its text can.
            text = path.read_text(encoding="utf-8", errors="replace")
            broken |= dict.fromkeys(_HEADER.findall(text), problems[already])
            continue
        for name, table in file.data.items():
            already = len(problems)
            try:
                suite = SuiteTable.model_validate(table)
            except ValidationError as error:
                for one in schema_errors(error, (name,)):
                    problems.append(f"{file.place(one.location)}: {one.what}")
                broken[name] = problems[already]
                continue
            tasks = [task.model_dump(exclude_defaults=True) for task in suite.tasks]
            found.setdefault(name, tasks)
    return Suites(found, broken)
