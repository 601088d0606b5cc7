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

from collections.abc import Mapping, Sequence
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


class SuiteTable(Table):
    """One suite.

    Attributes:
        summary: What it measures, in a sentence.
        tasks: The lm-eval tasks, as an organism's ``capability`` would list them.
    """

    summary: Text
    tasks: Annotated[tuple[Capability, ...], Field(min_length=1)]


@lru_cache(maxsize=1)
def shipped_suites() -> Mapping[str, list[dict[str, Any]]]:
    """The suites that mobench ships, for organisms that take one by default."""
    shipped = shipped_config()
    # What is wrong in them is told where they are collected, and their own tests find it first.
    return {} if shipped is None else read_suites(shipped.tasks, [])


def read_suites(folders: Sequence[Path], problems: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Reads every suite; a name belongs to the first folder that has it.

    Args:
        folders: The folders of tasks.
        problems: Receives ``file:line: what`` for everything that is wrong.

    Returns:
        For each name its ``capability`` tables, as an organism's file would list them.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for path in (folder / "capability" / FILE for folder in folders):
        if not path.is_file():
            continue
        file = read_toml(path, problems)
        if file is None:
            continue
        for name, table in file.data.items():
            try:
                suite = SuiteTable.model_validate(table)
            except ValidationError as error:
                for one in schema_errors(error, (name,)):
                    problems.append(f"{file.place(one.location)}: {one.what}")
                continue
            tasks = [task.model_dump(exclude_defaults=True) for task in suite.tasks]
            found.setdefault(name, tasks)
    return found
