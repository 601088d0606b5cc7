"""What a variant inherits from other variants and from shared tables.

A variant's table is laid over that of the variant named by its ``like``, and that one over the
next; the family's behavior and eval lie below them all. Tables merge key by key, with three
exceptions: a table of another ``kind``, free-form ``args``, and a shared table taken by its name
(see ``shared_tables``) replace the inherited table as a whole.

The place where each key was written is remembered, so that a mistake is reported in the file and
on the line where it was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mobench.errors import did_you_mean
from mobench.registry.shared_tables import NAMED_TABLES, SharedTables, Source
from mobench.registry.toml_lines import Location

LIKE = "like"
_ALTERNATIVES = {"suite": "capability", "capability": "suite"}
"""Two ways to say one thing: a table that has one of them does not inherit the other."""


@dataclass(frozen=True)
class Variant:
    """A variant's table with everything that it inherits.

    Attributes:
        own: What its own file says under its name.
        table: The own and the inherited keys together.
        origins: For each key of ``table``, the table that it was written in and its keys there.
        problems: ``file:line: what`` for each name of a variant or table that does not exist.
        unknown: Keys that name a table that does not exist; ``like`` among them.
        defaults: Keys that no file gives, such as ``ladder.standard_lr``, and why they have the
            value that they have (see ``weights_defaults``).
        pending: Those of them that weights tell which are not on this machine.
        borrowed: Those of them whose value is something that mobench ships and this registry lacks.
    """

    own: Source
    table: dict[str, Any] = field(default_factory=dict)
    origins: dict[Location, tuple[Source, Location]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    defaults: dict[str, str] = field(default_factory=dict)
    pending: list[str] = field(default_factory=list)
    borrowed: set[str] = field(default_factory=set)

    @property
    def is_like_unknown(self) -> bool:
        """Whether it cannot be told what it inherits, because a variant does not exist."""
        return LIKE in self.unknown

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
    """The variant, the one that it is like, the one that that one is like, and so on."""
    chain = [variant.own]
    while (name := chain[-1].table.get(LIKE)) is not None:
        last = chain[-1]
        # A shared variant belongs to no family, so it is like other shared ones only.
        candidates = {**shared.variants, **(siblings if last.path != shared.path else {})}
        if not isinstance(name, str) or name not in candidates:
            others = sorted(candidates.keys() - {last.at[-1]})
            known = f"{did_you_mean(str(name), others)} Known: {', '.join(others) or 'none'}"
            what = f"like: neither this family nor {shared.path.name} has a variant {name!r}."
            if last.path == shared.path:
                what = f"like: {shared.path.name} has no variant {name!r}."
            what = shared.follows(f"{last.place((LIKE,))}: {what}{known}", str(name))
            return _unknown_like(variant, chain, what)
        found = candidates[name]
        places = [(one.path, one.at) for one in chain]
        if (found.path, found.at) in places:
            circle = chain[places.index((found.path, found.at)) :]
            names = " → ".join(str(one.at[-1]) for one in [*circle, found])
            what = f"{last.place((LIKE,))}: like: goes in a circle: {names}"
            return _unknown_like(variant, chain, what)
        chain.append(found)
    return chain


def _unknown_like(variant: Variant, chain: list[Source], problem: str) -> list[Source]:
    variant.problems.append(problem)
    variant.unknown.add(LIKE)
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
        location = (*at, key)
        if location == (LIKE,):
            continue
        if not at and key in _ALTERNATIVES and _ALTERNATIVES[key] not in source.table:
            _drop(variant, below, (_ALTERNATIVES[key],))
        if isinstance(value, str) and location in NAMED_TABLES:
            section = NAMED_TABLES[location]
            found = shared.table(section, value)
            if found is None:
                what = shared.unknown(source.place((key,)), key, value, section=section)
                variant.problems.append(what)
                variant.unknown.add(str(location[0]))
                continue
            _drop(variant, below, location)
            variant.origins[location] = (found, ())
            below[key] = {}
            _lay_over(variant, below[key], found, shared, location)
        elif isinstance(value, Mapping):
            if key == "args" or _is_of_another_kind(below.get(key), value):
                _drop(variant, below, location)
            if not isinstance(below.get(key), dict):
                below[key] = {}
            variant.origins[location] = (source, (key,))
            _lay_over(variant, below[key], source.inside(key), shared, location)
        else:
            _drop(variant, below, location)
            below[key] = value
            variant.origins[location] = (source, (key,))


def _is_of_another_kind(below: object, value: Mapping[str, Any]) -> bool:
    return isinstance(below, dict) and "kind" in value and below.get("kind") != value["kind"]


def _drop(variant: Variant, below: dict[str, Any], location: Location) -> None:
    """Removes an inherited key, and forgets where it and everything in it was written."""
    if not isinstance(below.pop(str(location[-1]), None), dict):
        variant.origins.pop(location, None)
        return
    for known in [one for one in variant.origins if one[: len(location)] == location]:
        del variant.origins[known]
