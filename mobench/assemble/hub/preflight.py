"""Whether what an organism needs from the hub can be had and run here: asked before all else.

Everything that is lacking is told at once. The hub is asked one short question for each repository
at most, nothing is downloaded, and what is in the cache needs no network.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mobench.assemble.hub import snapshot
from mobench.assemble.hub.parts import Wanted
from mobench.assemble.hub.refusals import HubUnreachableError
from mobench.errors import MobenchError
from mobench.machine.hardware import GIB, Hardware


@dataclass(frozen=True)
class Lack:
    """One thing that is missing.

    Attributes:
        what: Its name: weights, disk, GPU or memory.
        needs: What a run needs.
        here: What there is instead.
        do: What to do about it.
    """

    what: str
    needs: str
    here: str
    do: str


def preflight_hub(
    organism: str,
    wanted: Sequence[Wanted],
    *,
    needs_gpu: bool,
    offline: bool,
    hardware: Hardware,
    needed_bytes: int,
    cache: Path | None = None,
    instead: str = "",
) -> None:
    """Returns if all that is wanted can be fetched and run here.

    Args:
        organism: The organism's name, for the message.
        wanted: What it needs from the hub.
        needs_gpu: Whether it is marked as needing a GPU.
        offline: Whether the network is not to be used.
        hardware: What is here.
        needed_bytes: Memory the run takes where the model is, from the plan.
        cache: Where repositories are kept; the hub's own cache if None.
        instead: An organism that runs anywhere, to suggest.

    Raises:
        MobenchError: Something is lacking; one message says all of it.
    """
    lacks = find_lacks(
        wanted,
        needs_gpu=needs_gpu,
        offline=offline,
        hardware=hardware,
        needed_bytes=needed_bytes,
        cache=cache,
    )
    if not lacks:
        return
    count = "1 thing is" if len(lacks) == 1 else f"{len(lacks)} things are"
    lines = [f"{organism} cannot run here: {count} missing. Nothing was downloaded or changed."]
    for lack in lacks:
        lines += [
            f"  {lack.what}",
            f"    needs: {lack.needs}",
            f"    here:  {lack.here}",
            f"    do:    {lack.do}",
        ]
    remedy = f"Or take one that runs here: mobench run --organism {instead}" if instead else ""
    raise MobenchError("\n".join(lines), remedy)


def find_lacks(
    wanted: Sequence[Wanted],
    *,
    needs_gpu: bool,
    offline: bool,
    hardware: Hardware,
    needed_bytes: int,
    cache: Path | None = None,
) -> tuple[Lack, ...]:
    """Returns all that is missing, with the arguments of `preflight_hub`."""
    lacks, download = [], 0
    for one in wanted:
        lack, missing = _look_for(one, offline, cache)
        lacks += [lack] if lack else []
        download += missing
    lacks += _of_disk(download, snapshot.cache_folder(cache))
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


def _look_for(one: Wanted, offline: bool, cache: Path | None) -> tuple[Lack | None, int]:
    """Whether something cannot be had, and how many bytes of it would have to be downloaded."""
    needs = ", ".join(part for part in (f"{one.repo} at {one.revision}", one.size) if part)
    command = snapshot.download_command(one.repo, one.revision, cache)
    cached = snapshot.cached_base(one.repo, one.revision, cache, one.part)
    if cached and not cached[2]:
        return None, 0
    state = f"only in part in the cache ({cached[0]}: {'; '.join(cached[2])})" if cached else ""
    state = state or f"not in the cache ({snapshot.cache_folder(cache)})"
    if snapshot.is_offline(offline):
        do = f"drop --offline and HF_HUB_OFFLINE, or where there is a network: {command}"
        return Lack(one.what, needs, f"{state}, and this run is offline", do), 0
    try:
        listing = snapshot.look_up(one.repo, one.revision, one.part)
    except HubUnreachableError as error:
        do = (
            f"check the network, or set HF_ENDPOINT to a mirror; or where there is a network: "
            f"{command}, and copy that cache here"
        )
        return Lack(one.what, needs, f"{state}; {error.fact}", do), 0
    except MobenchError as error:
        return Lack(one.what, needs, f"{state}; {error.fact}", error.remedy), 0
    if listing.refusal:
        return Lack(one.what, needs, listing.refusal.fact, listing.refusal.remedy), 0
    # finished files of an earlier, broken download are there already
    missing = sum(
        size
        for name, size in one.part.inside(listing.files).items()
        if not (cached and (cached[0] / name).is_file())
    )
    return None, missing


def _of_disk(download: int, where: Path) -> list[Lack]:
    if download <= shutil.disk_usage(_existing(where)).free:
        return []
    here = f"{_gib(shutil.disk_usage(_existing(where)).free)} free in {where}"
    do = "make room, or set HF_HOME to a folder on another disk"
    return [Lack("disk", f"{_gib(download)} to download", here, do)]


def _existing(folder: Path) -> Path:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _gib(count: float) -> str:
    return f"{count / GIB:.1f} GiB"
