"""A variant as its file has it, right or wrong.

What an organism names in other files is checked on this, so that a mistake in one table does not
hide those in others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mobench.registry.inheritance import Variant
from mobench.registry.organism_spec import OrganismSpec
from mobench.registry.toml_lines import Locator


@dataclass(frozen=True)
class Draft:
    """One variant of one family's file.

    Attributes:
        path: The TOML file.
        variant: The variant's name.
        family: The raw ``[family]`` table.
        whole: The variant's table with everything that it inherits.
        locator: Finds lines in the file.
        spec: The organism, or None where anything in its file is wrong.
    """

    path: Path
    variant: str
    family: Mapping[str, Any]
    whole: Variant
    locator: Locator
    spec: OrganismSpec | None

    def place(self, *location: str) -> str:
        """``file:line`` of a key of the variant, wherever the variant has it from."""
        return self.whole.place(location)

    def get(self, *location: str) -> Any:
        """What the raw table holds there, or None."""
        value: Any = self.whole.table
        for key in location:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def names(self, *location: str) -> list[str]:
        """The names in a list of the raw table, leaving out what is no string."""
        return _strings(self.get(*location))

    @property
    def family_marks(self) -> list[str]:
        """The marks of all variants."""
        return _strings(self.family.get("marks") if isinstance(self.family, Mapping) else None)


def _strings(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
