"""Whether an organism can be run on this machine, without building or loading it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from mobench.errors import MobenchError
from mobench.machine.hardware import GIB, Hardware
from mobench.plan.packing import SMALLEST, planned_memory
from mobench.registry import OrganismSpec
from mobench.registry.organism_spec import (
    HubAdapter,
    HubBase,
    LocalAdapter,
    LocalBase,
    ScratchBase,
    WheelBase,
)


@dataclass(frozen=True)
class Feasibility:
    """What stands between an organism and a run on this machine.

    Attributes:
        obstacles: What is missing and what to do about it; empty where it can run.
        downloads: What a first run would download: ``repository at revision``.
    """

    obstacles: tuple[str, ...]
    downloads: tuple[str, ...]

    @property
    def feasible(self) -> bool:
        """Whether it can run, once it has downloaded its ``downloads``."""
        return not self.obstacles


def assess_feasibility(
    spec: OrganismSpec, hardware: Hardware, *, offline: bool = False
) -> Feasibility:
    """Checks everything that a run of the standard preset needs.

    What is not in the cache counts as a download; the hub is not asked whether it has it.

    Args:
        spec: The organism.
        hardware: This machine.
        offline: Whether the network is off limits, even if the hub's own variables allow it.
    """
    obstacles = _machine_obstacles(spec, hardware)
    downloads: list[str] = []
    for part in (spec.base, spec.adapter, spec.clean_base):
        if isinstance(part, WheelBase):
            obstacles += _wheel_obstacles(part)
        elif isinstance(part, LocalBase | LocalAdapter):
            obstacles += _folder_obstacles(spec, part)
        elif isinstance(part, HubBase | HubAdapter) and not _is_cached(part):
            downloads.append(f"{part.repo} at {part.revision}")
    if downloads:
        from mobench.assemble.hub.snapshot import is_offline

        if is_offline(offline):
            why = "is not in the cache, and the network is off limits"
            obstacles += [f"{download} {why}" for download in downloads]
            downloads = []
    return Feasibility(tuple(dict.fromkeys(obstacles)), tuple(dict.fromkeys(downloads)))


def substrate(spec: OrganismSpec) -> str:
    """Returns what an organism is stored as.

    ``recipe``: its behavior is trained into the base. ``adapter``: a LoRA adapter is merged into
    the base. ``full``: its weights are complete.
    """
    if spec.implant is not None:
        return "recipe"
    return "full" if spec.adapter is None else "adapter"


def _machine_obstacles(spec: OrganismSpec, hardware: Hardware) -> list[str]:
    obstacles = []
    if "gpu" in spec.marks and not hardware.device.startswith("cuda"):
        obstacles.append(f"needs a CUDA GPU; here is {hardware.device}, {hardware.cores} cores")
    if isinstance(spec.base, ScratchBase):
        return obstacles  # smaller than whatever imports torch
    try:
        needed = planned_memory(spec, spec.presets["standard"], SMALLEST, hardware.device)
    except MobenchError:
        return obstacles  # of unknown size: only trying tells
    if needed > hardware.model_memory_gb * GIB:
        free = f"{hardware.model_memory_gb:.1f} GiB are free"
        obstacles.append(f"needs {needed / GIB:.1f} GiB of memory one run at a time; {free}")
    return obstacles


@lru_cache(maxsize=64)  # several organisms share one wheel, whose file is hashed
def _wheel_obstacles(base: WheelBase) -> tuple[str, ...]:
    from mobench.assemble.wheel import find_in_wheel

    try:
        find_in_wheel(base.package, base.version, base.file)
    except MobenchError as error:
        return (f"{error.fact}: {error.remedy}",)
    return ()


def _folder_obstacles(spec: OrganismSpec, part: LocalBase | LocalAdapter) -> list[str]:
    name = "config.json" if isinstance(part, LocalBase) else "adapter_config.json"
    folder = spec.folder_of(part)
    return [] if (folder / name).is_file() else [f"{folder} has no {name}"]


def _is_cached(part: HubBase | HubAdapter) -> bool:
    from mobench.assemble.hub.snapshot import find_cached

    return find_cached(part.repo, part.revision) is not None
