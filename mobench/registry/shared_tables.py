"""Tables that families share: what ``organisms/shared.toml`` holds.

::

    [bases.smollm2-135m]        # a named table: base = "smollm2-135m" stands for it
    kind = "wheel"
    size = "smollm2-135m"       # a name may stand for a table in this file too

    [variants.smollm2]          # a part of a variant: like = "smollm2" takes all of it
    base = "smollm2-135m"
    dtype = "float32"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mobench.errors import Consequence, did_you_mean
from mobench.registry.toml_lines import Location, Locator

FILE = "shared.toml"
NAMED_TABLES: Mapping[Location, str] = {
    ("base",): "bases",
    ("base", "size"): "sizes",
    ("clean_base",): "bases",
    ("clean_base", "size"): "sizes",
    ("gate",): "gates",
    ("ladder",): "ladders",
    ("presets",): "presets",
}
"""Keys of a variant that may name a shared table, and the section where such tables are."""


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
        sections: For each section, such as ``bases``, its tables by name.
        misplaced: Names of tables below a section that does not exist, each with that problem.
    """

    path: Path
    variants: Mapping[str, Source] = field(default_factory=dict)
    sections: Mapping[str, Mapping[str, Source]] = field(default_factory=dict)
    misplaced: Mapping[str, str] = field(default_factory=dict)

    def table(self, section: str, name: str) -> Source | None:
        """The table of that name in a section such as ``bases``; None if there is none."""
        return self.sections.get(section, {}).get(name)

    def unknown(self, place: str, key: str, name: str, *, section: str) -> str:
        """The problem with a key whose value names no table of a section.

        Args:
            place: ``file:line`` of the key.
            key: The key.
            name: Its value.
            section: Where the table should be, such as ``bases``.
        """
        known = self.sections.get(section, {})
        listed = ", ".join(sorted(known)) or "none"
        where = f"[{section}] of {self.path.name}"
        hint = did_you_mean(name, known)
        what = f"{place}: {key}: {where} has no {name!r}.{hint} Known: {listed}"
        return self.follows(what, name)

    def follows(self, problem: str, name: str) -> str:
        """The same problem, as a consequence where the table is there in a wrong section."""
        cause = self.misplaced.get(name)
        return problem if cause is None else Consequence(problem, cause)
