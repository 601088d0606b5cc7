"""Tables that families share: ``organisms/shared.toml``.

::

    [bases.smollm2-135m]        # stands for a table: base = "smollm2-135m"
    kind = "wheel"
    size = "smollm2-135m"       # names may stand for tables in here too

    [variants.smollm2]          # part of a variant: like = "smollm2"
    base = "smollm2-135m"
    dtype = "float32"

The file is data: nothing in it is imported or run.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mobench.errors import did_you_mean
from mobench.registry.organism_schema import Gate, Ladder, Preset, VariantTable
from mobench.registry.toml_lines import Location, Locator
from mobench.registry.validation_errors import complaints
from mobench.registry.weights_schema import Base, Size

FILE = "shared.toml"
REFERENCES = {
    "base": "bases",
    "clean_base": "bases",
    "size": "sizes",
    "gate": "gates",
    "ladder": "ladders",
    "presets": "presets",
}
"""Keys whose table may be named in place of being written, and where such tables are shared."""
_SCHEMAS: dict[str, TypeAdapter[Any]] = {
    "bases": TypeAdapter(Base),
    "sizes": TypeAdapter(Size),
    "gates": TypeAdapter(Gate),
    "ladders": TypeAdapter(Ladder),
    "presets": TypeAdapter(dict[str, Preset]),
}


@dataclass(frozen=True)
class Source:
    """A table as a file has it.

    Attributes:
        path: The file.
        locator: Finds lines in it.
        at: Keys from the top of the file to the table.
        table: The table.
    """

    path: Path
    locator: Locator
    at: Location
    table: Mapping[str, Any]

    def place(self, location: Location) -> str:
        """``file:line`` of a key in the table."""
        return f"{self.path}:{self.locator.line((*self.at, *location))}"

    def inside(self, key: str) -> Source:
        """A table within this one."""
        return Source(self.path, self.locator, (*self.at, key), self.table[key])


@dataclass(frozen=True)
class SharedTables:
    """What families share; empty where there is no such file.

    Attributes:
        path: The file, whether it exists or not.
        variants: Parts of variants, by name.
        tables: For each section, such as ``bases``, its tables by name.
    """

    path: Path
    variants: Mapping[str, Source] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, Source]] = field(default_factory=dict)

    def table(self, key: str, name: str) -> Source | None:
        """The table that a name stands for at a key such as ``base``; None if there is none."""
        return self.tables.get(REFERENCES[key], {}).get(name)

    def unknown(self, key: str, name: str) -> str:
        """What is wrong with a name that stands for no table."""
        known = self.tables.get(REFERENCES[key], {})
        listed = ", ".join(sorted(known)) or "none"
        section = f"[{REFERENCES[key]}] of {self.path.name}"
        return f"{key}: {section} has no {name!r}.{did_you_mean(name, known)} Known: {listed}"


def read_shared(folder: Path, problems: list[str]) -> SharedTables:
    """Reads the shared tables of a folder of families.

    Args:
        folder: Such as ``organisms/``.
        problems: Receives ``file:line: what`` for everything that is wrong.
    """
    path = folder / FILE
    if not path.is_file():
        return SharedTables(path)
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        problems.append(f"{path}:1: {error}")
        return SharedTables(path)
    locator = Locator(text)

    def report(location: Location, what: str) -> None:
        problems.append(f"{path}:{locator.line(location)}: {what}")

    known = ("variants", *_SCHEMAS)
    sections: dict[str, dict[str, Source]] = {}
    for section, tables in data.items():
        if section not in known:
            report((section,), f"unknown table [{section}].{did_you_mean(section, known)}")
            continue
        sections[section] = {}
        for name, table in tables.items() if isinstance(tables, dict) else ():
            if isinstance(table, dict):
                sections[section][name] = Source(path, locator, (section, name), table)
            else:
                report((section, name), f"{section}.{name} must be a table, got {table!r}")
    variants = sections.pop("variants", {})
    shared = SharedTables(path, variants, sections)
    _check_tables(shared, report)
    _check_variants(variants, report)
    return shared


def _check_tables(shared: SharedTables, report: Callable[[Location, str], None]) -> None:
    """Holds each shared table to its schema, whether it is used or not."""
    for section, tables in shared.tables.items():
        for name, source in tables.items():
            table: dict[str, Any] = dict(source.table)
            size = table.get("size")
            if section == "bases" and isinstance(size, str):
                # It is held to its own schema in its own section.
                del table["size"]
                if shared.table("size", size) is None:
                    report((section, name, "size"), shared.unknown("size", size))
            try:
                _SCHEMAS[section].validate_python(table)
            except ValidationError as error:
                for location, what in complaints(error, (section, name)):
                    report(location, what)


def _check_variants(
    variants: Mapping[str, Source], report: Callable[[Location, str], None]
) -> None:
    known = ("like", *VariantTable.model_fields)
    for name, source in variants.items():
        for key in source.table:
            if key not in known:
                what = f"unknown key {key!r}.{did_you_mean(key, known)}"
                report(("variants", name, key), what)
