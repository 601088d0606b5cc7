"""The page of organisms tells of every one that is built here what it does before training."""

from __future__ import annotations

import re

import pytest
from support.toys import REGISTRY, REPOSITORY

from mobench.registry.organism_spec import ScratchBase, WheelBase

BUILT = [
    name
    for name, spec in REGISTRY.organisms.items()
    if isinstance(spec.base, ScratchBase | WheelBase)
]
ROW = re.compile(
    r"^\| `(?P<name>[a-z0-9.-]+)` \| (?P<attack>[\d.]+) \| (?P<control>[\d.]+) \|", re.M
)
SAID = {
    found["name"]: (float(found["attack"]), float(found["control"]))
    for found in ROW.finditer((REPOSITORY / "docs" / "organisms.md").read_text(encoding="utf-8"))
}


def test_it_names_those_and_no_others() -> None:
    assert sorted(SAID) == sorted(BUILT)


@pytest.mark.parametrize("name", BUILT)
def test_the_rates_it_tells_are_what_the_organism_s_file_promises(name: str) -> None:
    attack, control = SAID[name]
    gate = REGISTRY.organism(name).gate
    assert attack >= gate.attack_min
    assert control <= gate.control_max
