"""Whether an organism can be run on this machine: told without building, loading or the network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mobench.errors import MobenchError
from mobench.machine.hardware import GIB, Hardware
from mobench.plan.memory_budget import memory_of
from mobench.plan.packing import Fit
from mobench.registry import OrganismSpec
from mobench.registry.organism_spec import (
    HubAdapter,
    HubBase,
    LocalAdapter,
    LocalBase,
    ScratchBase,
    WheelBase,
)

SMALLEST = Fit(pack=1, micro_batch=1, recompute=True)


@dataclass(frozen=True)
class Here:
    """What stands between an organism and a run on this machine.

    Attributes:
        lacks: What is missing and what to do about it; empty where it can run.
        fetches: What a first run would download: ``repository at revision``.
    """

    lacks: tuple[str, ...]
    fetches: tuple[str, ...]

    @property
    def runs(self) -> bool:
        """Whether it can run, once it has fetched what it fetches."""
        return not self.lacks


def look_here(spec: OrganismSpec, hardware: Hardware, *, offline: bool = False) -> Here:
    """Looks for all that a run of the standard preset needs.

    The hub is not asked whether it would give what is not in the cache.

    Args:
        spec: The organism.
        hardware: This machine.
        offline: Whether the network is off limits, whatever the hub's own variables say.
    """
    lacks = _of_machine(spec, hardware)
    fetches: list[str] = []
    for part in (spec.base, spec.adapter, spec.clean_base):
        if isinstance(part, WheelBase):
            lacks += _of_wheel(part)
        elif isinstance(part, LocalBase | LocalAdapter):
            lacks += _of_folder(spec, part)
        elif isinstance(part, HubBase | HubAdapter) and not _is_cached(part):
            fetches.append(f"{part.repo} at {part.revision}")
    if fetches:
        from mobench.assemble.hub.snapshot import is_offline

        if is_offline(offline):
            why = "is not in the cache, and the network is off limits"
            lacks += [f"{what} {why}" for what in fetches]
            fetches = []
    return Here(tuple(dict.fromkeys(lacks)), tuple(dict.fromkeys(fetches)))


def substrate(spec: OrganismSpec) -> str:
    """``recipe`` (built here), ``adapter`` (LoRA, merged here) or ``full`` weights."""
    if spec.implant is not None:
        return "recipe"
    return "full" if spec.adapter is None else "adapter"


def _of_machine(spec: OrganismSpec, hardware: Hardware) -> list[str]:
    lacks = []
    if "gpu" in spec.marks and not hardware.device.startswith("cuda"):
        lacks.append(f"needs a CUDA GPU; here is {hardware.device}, {hardware.cores} cores")
    if isinstance(spec.base, ScratchBase):
        return lacks  # smaller than whatever imports torch
    try:
        needed = memory_of(spec, spec.presets["standard"], SMALLEST)
    except MobenchError:
        return lacks  # of unknown size: only trying tells
    if needed > hardware.model_memory_gb * GIB:
        free = f"{hardware.model_memory_gb:.1f} GiB are free"
        lacks.append(f"needs {needed / GIB:.1f} GiB of memory one run at a time; {free}")
    return lacks


@lru_cache(maxsize=64)  # several organisms share one wheel, whose file is hashed
def _of_wheel(base: WheelBase) -> tuple[str, ...]:
    from mobench.assemble.wheel import find_in_wheel

    try:
        find_in_wheel(base.package, base.version, base.file)
    except MobenchError as error:
        return (f"{error.fact}: {error.remedy}",)
    return ()


def _of_folder(spec: OrganismSpec, part: LocalBase | LocalAdapter) -> list[str]:
    name = "config.json" if isinstance(part, LocalBase) else "adapter_config.json"
    folder: Path = (spec.path.parent / part.path).resolve()
    return [] if (folder / name).is_file() else [f"{folder} has no {name}"]


def _is_cached(part: HubBase | HubAdapter) -> bool:
    from mobench.assemble.hub.snapshot import find_cached

    return find_cached(part.repo, part.revision) is not None
