"""Whether a base from the model hub can be had and run here: asked before anything is done.

Everything that is lacking is told at once. The hub is asked one short question at most, nothing is
downloaded, and a base that is in the cache needs no network.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from mobench.build import hub
from mobench.build.hub_answers import HubUnreachableError
from mobench.errors import MobenchError
from mobench.hardware import GIB, Hardware
from mobench.registry.tables import HubBase


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
    base: HubBase,
    *,
    needs_gpu: bool,
    offline: bool,
    hardware: Hardware,
    needed_bytes: int,
    cache: Path | None = None,
    instead: str = "",
) -> None:
    """Returns if the base can be fetched and run here.

    Args:
        organism: The organism's name, for the message.
        base: Where its weights are.
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
        base,
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
    base: HubBase,
    *,
    needs_gpu: bool,
    offline: bool,
    hardware: Hardware,
    needed_bytes: int,
    cache: Path | None = None,
) -> tuple[Lack, ...]:
    """Returns all that is missing, with the arguments of `preflight_hub`."""
    lacks = _of_weights(base, offline, cache)
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


def _of_weights(base: HubBase, offline: bool, cache: Path | None) -> list[Lack]:
    size = f", {base.size.params / 1e9:.1f}B parameters" if base.size else ""
    needs = f"{base.repo} at {base.revision}{size}"
    command = hub.download_command(base.repo, base.revision, cache)
    where = hub.cache_folder(cache)
    cached = hub.cached_base(base.repo, base.revision, cache)
    if cached and not cached[2]:
        return []
    state = f"only in part in the cache ({cached[0]}: {'; '.join(cached[2])})" if cached else ""
    state = state or f"not in the cache ({where})"
    if hub.is_offline(offline):
        do = f"drop --offline and HF_HUB_OFFLINE, or where there is a network: {command}"
        return [Lack("weights", needs, f"{state}, and this run is offline", do)]
    try:
        listing = hub.look_up(base.repo, base.revision)
    except HubUnreachableError as error:
        do = (
            f"check the network, or set HF_ENDPOINT to a mirror; or where there is a network: "
            f"{command}, and copy that cache here"
        )
        return [Lack("weights", needs, f"{state}; {error.fact}", do)]
    except MobenchError as error:
        return [Lack("weights", needs, f"{state}; {error.fact}", error.remedy)]
    if listing.refusal:
        return [Lack("weights", needs, listing.refusal, "choose a repository with safetensors")]
    # finished files of an earlier, broken download are there already
    have = sum(
        size for name, size in listing.files.items() if cached and (cached[0] / name).is_file()
    )
    download = sum(listing.files.values()) - have
    free = shutil.disk_usage(_existing(where)).free
    if download > free:
        here = f"{_gib(free)} free in {where}"
        do = "make room, or set HF_HOME to a folder on another disk"
        return [Lack("disk", f"{_gib(download)} to download {base.repo}", here, do)]
    return []


def _existing(folder: Path) -> Path:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _gib(count: float) -> str:
    return f"{count / GIB:.1f} GiB"
