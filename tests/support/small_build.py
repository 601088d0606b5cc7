"""A toy organism whose build has five phases of a few steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mobench.assemble.organism import Builder
from mobench.progress import Progress
from mobench.registry import OrganismSpec
from mobench.registry.organism_spec import Harden
from support.toys import REGISTRY

NAME = "hardened-tiny"


def small(**changes: Any) -> OrganismSpec:
    """hardened-tiny with a few steps in every phase."""
    spec = REGISTRY.organism(NAME)
    assert spec.implant is not None
    rounds = Harden(task="toy-benign", lr=3e-3, steps=2, again=3, rounds=2)
    few = {"steps": 6, "lr": 1e-3, "harden": rounds, **changes}
    implant = spec.implant.model_copy(update=few)
    base = spec.base.model_copy(update={"steps": 12})
    return spec.model_copy(update={"base": base, "implant": implant})


def builder(cache: Path, progress: Progress | None = None) -> Builder:
    return Builder(REGISTRY, cache, "cpu", True, progress or Progress(enabled=False))
