"""What a variant does not say itself: taken from another variant, and from shared tables.

A variant's table is laid over that of the variant named by its ``like``, and that one over the
next; what the family says of behavior and eval lies below them all. Tables merge key by key, but a
table of another ``kind``, and free-form ``args``, take the place of the inherited one whole. Where
a table is expected, a name stands for the shared table of that name (see ``shared_tables``).

Where each key comes from is remembered, so that a mistake is reported in the file and on the line
where it was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mobench.errors import did_you_mean
from mobench.registry.shared_tables import REFERENCES, SharedTables, Source
from mobench.registry.toml_lines import Location

LIKE = "like"
_INSTEAD = {"suite": "capability", "capability": "suite"}
"""Two ways to say one thing: whoever gives one does not inherit the other."""


@dataclass
class Variant:
    """A variant's table with everything that it inherits.

    Attributes:
        own: What its own file says under its name.
        table: The whole.
        origins: For each key of the whole where it was written.
        problems: ``file:line: what`` for names that stand for nothing.
    """

    own: Source
    table: dict[str, Any] = field(default_factory=dict)
    origins: dict[Location, tuple[Source, Location]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def place(self, location: Location) -> str:
        """``file:line`` of a key, or of the innermost enclosing table that was written."""
        keys = self._keys(location)
        for end in range(len(keys), 0, -1):
            if keys[:end] in self.origins:
                source, at = self.origins[keys[:end]]
                return source.place((*at, *keys[end:]))
        return self.own.place(keys)

    def _keys(self, location: Location) -> Location:
        """A location without what is no key of the table, such as the tag of a union."""
        keys: list[str | int] = []
        value: Any = self.table
        for number, part in enumerate(location):
            inside = isinstance(value, Mapping) and part in value
            inside |= isinstance(value, list) and isinstance(part, int) and part < len(value)
            if inside:
                value = value[part]
            if inside or number == len(location) - 1:
                keys.append(part)
        return tuple(keys)


def inherit(
    own: Source, family: Source, siblings: Mapping[str, Source], shared: SharedTables
) -> Variant:
    """Fills in what a variant inherits.

    Args:
        own: The variant's table.
        family: What the family says of all variants: its behavior and eval.
        siblings: The tables of all variants of the family, by name.
        shared: What families share.
    """
    variant = Variant(own)
    for layer in [family, *reversed(_chain(variant, siblings, shared))]:
        _lay_over(variant, variant.table, layer, shared)
    return variant


def _chain(variant: Variant, siblings: Mapping[str, Source], shared: SharedTables) -> list[Source]:
    """The variant, the one that it is like, the one that that is like, and so on."""
    chain = [variant.own]
    known = dict(siblings)
    while (name := chain[-1].table.get(LIKE)) is not None:
        if chain[-1].path == shared.path:
            known = {}  # what is shared is like nothing of a family
        candidates = {**shared.variants, **known}
        at = chain[-1].place((LIKE,))
        if not isinstance(name, str) or name not in candidates:
            hint = did_you_mean(str(name), candidates)
            listed = ", ".join(sorted(candidates)) or "none"
            variant.problems.append(f"{at}: like: unknown variant {name!r}.{hint} Known: {listed}")
            break
        found = candidates[name]
        if any(found.path == one.path and found.at == one.at for one in chain):
            variant.problems.append(f"{at}: like: {name!r} is like this variant itself")
            break
        chain.append(found)
    return chain


def _lay_over(
    variant: Variant,
    below: dict[str, Any],
    source: Source,
    shared: SharedTables,
    at: Location = (),
) -> None:
    """Lays a table over what is there.

    Args:
        variant: Receives origins and problems.
        below: The part of the variant's table at ``at``; changed.
        source: The table to lay over it.
        shared: Where names are looked up.
        at: Keys from the top of the variant.
    """
    for key, value in source.table.items():
        if key == LIKE and not at:
            continue
        here = (*at, key)
        if not at and key in _INSTEAD and _INSTEAD[key] not in source.table:
            _drop(variant, below, (_INSTEAD[key],))
        reference = isinstance(value, str) and key in REFERENCES
        if reference:
            found = shared.table(key, value)
            if found is None:
                what = f"{source.place((key,))}: {shared.unknown(key, value)}"
                variant.problems.append(what)
                continue
            _drop(variant, below, here)
            variant.origins[here] = (found, ())
            below[key] = {}
            _lay_over(variant, below[key], found, shared, here)
        elif isinstance(value, Mapping):
            if key == "args" or _is_of_another_kind(below.get(key), value):
                _drop(variant, below, here)
            if not isinstance(below.get(key), dict):
                below[key] = {}
            variant.origins[here] = (source, (key,))
            _lay_over(variant, below[key], source.inside(key), shared, here)
        else:
            _drop(variant, below, here)
            below[key] = value
            variant.origins[here] = (source, (key,))


def _is_of_another_kind(below: object, value: Mapping[str, Any]) -> bool:
    return isinstance(below, dict) and "kind" in value and below.get("kind") != value["kind"]


def _drop(variant: Variant, below: dict[str, Any], location: Location) -> None:
    """Forgets an inherited key and where it and everything in it came from."""
    below.pop(str(location[-1]), None)
    for known in [one for one in variant.origins if one[: len(location)] == location]:
        del variant.origins[known]
