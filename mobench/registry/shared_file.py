"""Reads and checks ``organisms/shared.toml``. Nothing is imported or run: the file is data.

Every table in it is checked, whether an organism uses it or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mobench.errors import did_you_mean
from mobench.registry.inheritance import inherit
from mobench.registry.organism_schema import Gate, Ladder, Preset, VariantTable
from mobench.registry.shared_tables import FILE, SharedTables, Source
from mobench.registry.toml_file import TomlFile, read_toml
from mobench.registry.toml_lines import Locator
from mobench.registry.validation_errors import schema_errors
from mobench.registry.weights_schema import Base, Size

_SCHEMAS: Mapping[str, TypeAdapter[Any]] = {
    "bases": TypeAdapter(Base),
    "sizes": TypeAdapter(Size),
    "gates": TypeAdapter(Gate),
    "ladders": TypeAdapter(Ladder),
    "presets": TypeAdapter(dict[str, Preset]),
}
_SECTIONS = ("variants", *_SCHEMAS)


def read_shared(folder: Path, problems: list[str]) -> SharedTables | None:
    """Reads the shared tables of a folder of families.

    Args:
        folder: Such as ``organisms/``.
        problems: Receives ``file:line: what`` for everything that is wrong.

    Returns:
        The tables, none where the folder has no such file; None if the file cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        return SharedTables(path)
    file = read_toml(path, problems)
    if file is None:
        return None
    sections = {
        section: _tables(file, section, tables, problems)
        for section, tables in file.data.items()
        if section in _SECTIONS
    }
    misplaced: dict[str, str] = {}
    for section in file.data.keys() - sections.keys():
        what = f"unknown table [{section}].{did_you_mean(section, _SECTIONS)}"
        problem = f"{file.place((section,))}: {what}"
        problems.append(problem)
        tables = file.data[section]
        misplaced |= dict.fromkeys(tables if isinstance(tables, dict) else (), problem)
    shared = SharedTables(path, sections.pop("variants", {}), sections, misplaced)
    _check_named_tables(shared, problems)
    _check_variants(shared, problems)
    return shared


def _tables(file: TomlFile, section: str, tables: Any, problems: list[str]) -> dict[str, Source]:
    """The tables of one section, by name."""
    if not isinstance(tables, dict):
        problems.append(f"{file.place((section,))}: {section} must be a table, got {tables!r}")
        return {}
    found = {}
    for name, table in tables.items():
        if isinstance(table, dict):
            found[name] = Source(file.path, file.locator, (section, name), table)
        else:
            what = f"{section}.{name} must be a table, got {table!r}"
            problems.append(f"{file.place((section, name))}: {what}")
    return found


def _check_named_tables(shared: SharedTables, problems: list[str]) -> None:
    for section, tables in shared.sections.items():
        for source in tables.values():
            table = dict(source.table)
            size = table.get("size")
            if section == "bases" and isinstance(size, str):
                # The size is checked by itself, in its own section.
                del table["size"]
                if shared.table("sizes", size) is None:
                    place = source.place(("size",))
                    problems.append(shared.unknown(place, "size", size, section="sizes"))
            try:
                _SCHEMAS[section].validate_python(table)
            except ValidationError as error:
                problems += [
                    f"{source.place(one.location)}: {one.what}" for one in schema_errors(error)
                ]


def _check_variants(shared: SharedTables, problems: list[str]) -> None:
    """Checks what shared variants say. What they lack, those that are like them may have."""
    nothing = Source(shared.path, Locator(""), (), {})
    for source in shared.variants.values():
        whole = inherit(source, nothing, {}, shared)
        problems += whole.problems
        try:
            VariantTable.model_validate(whole.table)
        except ValidationError as error:
            problems += [
                f"{whole.place(one.location)}: {one.what}"
                for one in schema_errors(error)
                if not one.incomplete
            ]
