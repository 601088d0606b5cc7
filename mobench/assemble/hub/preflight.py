"""Checks before everything else that a hub organism can be fetched and run on this machine.

One error names everything that is missing. The hub is asked at most one short question for each
repository, nothing is downloaded, and what is in the cache needs no network.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mobench.assemble.hub import snapshot
from mobench.assemble.hub.parts import HubSource
from mobench.assemble.hub.refusals import HubUnreachableError
from mobench.errors import MobenchError
from mobench.machine.hardware import GIB, Hardware


@dataclass(frozen=True)
class Lack:
    """One thing that is missing.

    Attributes:
        name: What it is called: weights, disk, GPU or memory.
        needed: What a run needs.
        available: What there is instead.
        remedy: What to do about it.
    """

    name: str
    needed: str
    available: str
    remedy: str


def preflight_hub(
    organism: str,
    sources: Sequence[HubSource],
    *,
    needs_gpu: bool,
    offline: bool,
    hardware: Hardware,
    needed_bytes: int,
    instead: str = "",
) -> None:
    """Returns if everything can be fetched and run on this machine.

    Args:
        organism: The organism's name, for the message.
        sources: What it needs from the hub.
        needs_gpu: Whether it is marked as needing a GPU.
        offline: Whether the network must not be used.
        hardware: This machine.
        needed_bytes: Memory that the run takes on the model's device, from the plan.
        instead: An organism that runs anywhere, to suggest; may be empty.

    Raises:
        MobenchError: Something is missing; one message names all of it.
    """
    lacks = find_lacks(
        sources,
        needs_gpu=needs_gpu,
        offline=offline,
        hardware=hardware,
        needed_bytes=needed_bytes,
    )
    if not lacks:
        return
    count = "1 thing is" if len(lacks) == 1 else f"{len(lacks)} things are"
    lines = [f"{organism} cannot run here: {count} missing. Nothing was downloaded or changed."]
    for lack in lacks:
        lines += [
            f"  {lack.name}",
            f"    needs: {lack.needed}",
            f"    here:  {lack.available}",
            f"    do:    {lack.remedy}",
        ]
    remedy = f"Or take one that runs here: mobench run --organism {instead}" if instead else ""
    raise MobenchError("\n".join(lines), remedy)


def find_lacks(
    sources: Sequence[HubSource],
    *,
    needs_gpu: bool,
    offline: bool,
    hardware: Hardware,
    needed_bytes: int,
) -> tuple[Lack, ...]:
    """Returns all that is missing, with the arguments of `preflight_hub`."""
    lacks, download = [], 0
    for source in sources:
        lack, missing = _look_for(source, offline)
        lacks += [lack] if lack else []
        download += missing
    lacks += _of_disk(download, snapshot.cache_folder())
    on_gpu = hardware.device.startswith("cuda")
    if needs_gpu and not on_gpu:
        lacks.append(
            Lack(
                "GPU",
                f"a CUDA GPU with {_gib(needed_bytes)} of memory",
                f"{hardware.device} on {hardware.cpu}, {hardware.cores} cores",
                "run it on a machine with a GPU, with --device cuda",
            )
        )
    free, total = hardware.model_memory_gb, hardware.gpu_memory_gb or hardware.memory_gb
    if needed_bytes > free * GIB:
        where = (hardware.gpu or hardware.device) if on_gpu else "this machine"
        lacks.append(
            Lack(
                "memory",
                f"{_gib(needed_bytes)} (the plan's estimate)",
                f"{free:.1f} GiB free of {total:.1f} on {where}",
                "free some, take a smaller --preset, or run it on a larger machine",
            )
        )
    return tuple(lacks)


def _look_for(source: HubSource, offline: bool) -> tuple[Lack | None, int]:
    """What keeps a source from being fetched, if anything, and the bytes still to download."""
    needs = ", ".join(part for part in (f"{source.repo} at {source.revision}", source.size) if part)
    command = snapshot.download_command(source.repo, source.revision)
    cached = snapshot.find_cached(source.repo, source.revision, source.part)
    if cached and not cached[2]:
        return None, 0
    state = f"only in part in the cache ({cached[0]}: {'; '.join(cached[2])})" if cached else ""
    state = state or f"not in the cache ({snapshot.cache_folder()})"
    if snapshot.is_offline(offline):
        do = f"drop --offline and HF_HUB_OFFLINE, or where there is a network: {command}"
        return Lack(source.name, needs, f"{state}, and this run is offline", do), 0
    try:
        listing = snapshot.look_up(source.repo, source.revision, source.part)
    except HubUnreachableError as error:
        do = (
            f"check the network, or set HF_ENDPOINT to a mirror; or where there is a network: "
            f"{command}, and copy that cache here"
        )
        return Lack(source.name, needs, f"{state}; {error.fact}", do), 0
    except MobenchError as error:
        return Lack(source.name, needs, f"{state}; {error.fact}", error.remedy), 0
    if listing.refusal:
        return Lack(source.name, needs, listing.refusal.fact, listing.refusal.remedy), 0
    # Finished files of an earlier, interrupted download are there already.
    missing = sum(
        size
        for name, size in source.part.inside(listing.files).items()
        if not (cached and (cached[0] / name).is_file())
    )
    return None, missing


def _of_disk(download: int, where: Path) -> list[Lack]:
    if download <= shutil.disk_usage(_existing(where)).free:
        return []
    available = f"{_gib(shutil.disk_usage(_existing(where)).free)} free in {where}"
    remedy = "make room, or set HF_HOME to a folder on another disk"
    return [Lack("disk", f"{_gib(download)} to download", available, remedy)]


def _existing(folder: Path) -> Path:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _gib(count: float) -> str:
    return f"{count / GIB:.1f} GiB"
