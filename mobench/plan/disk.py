"""Whether the disk holds what a run will write."""

from __future__ import annotations

import shutil
from pathlib import Path

from mobench.errors import MobenchError
from mobench.machine.hardware import GIB
from mobench.plan.cost_record import RunCost
from mobench.plan.schedule import checkpoints
from mobench.registry.organism_spec import Preset
from mobench.run_options import RunOptions


def disk_needed(cost: RunCost, preset: Preset, options: RunOptions) -> int:
    """Returns the bytes that a run's folder takes at its fullest, where its plan adds nothing.

    Checkpoints that are not kept go when their pack is measured; vLLM measures once all is trained.

    Args:
        cost: What the run will take.
        preset: How much is trained.
        options: Says which checkpoints are kept, and what measures them.
    """
    if options.keep_adapters == "all" or options.engine == "vllm":
        return cost.disk_bytes
    kept = len(checkpoints(preset.steps, preset.window_checkpoints))
    cells = cost.cells + cost.controls
    return int(cost.disk_bytes * min(1.0, 1 / kept + min(cost.pack, cells) / cells))


def written_already(runs: Path, begins: str) -> int:
    """Returns the bytes of the largest run whose name begins so: it may be this one, gone on with.

    Args:
        runs: Folder that holds run folders.
        begins: What the run's name begins with.
    """
    sizes = [
        sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file())
        for folder in (runs.glob(f"{begins}*") if runs.is_dir() else ())
    ]
    return max(sizes, default=0)


def refuse_full_disk(
    needed: int, runs: Path, *, name: str, smaller: int | None = None, there: int = 0
) -> int:
    """Refuses what the disk cannot hold, before hours are spent on it.

    Args:
        needed: Bytes that the run's folder will take.
        runs: The folder that it will lie in, which need not be there yet.
        name: The organism, for the message.
        smaller: Bytes that it would take if only last checkpoints were kept; None where that is
            what was asked for.
        there: Bytes that are written already.

    Returns:
        The bytes that are free.

    Raises:
        MobenchError: They are more than what is free.
    """
    place = next(folder for folder in (runs, *runs.parents) if folder.is_dir())
    free = shutil.disk_usage(place).free
    if needed - there <= free:
        return free
    less = (
        f", or give --keep-adapters last (about {gib(smaller)})"
        if smaller is not None and smaller - there <= free
        else ""
    )
    raise MobenchError(
        f"a run of {name} takes about {gib(needed)} in {runs}, and {gib(free)} are free there",
        f"free some, or name a folder on another disk with --runs{less}",
    )


def gib(count: float) -> str:
    """Bytes as GiB, or as MiB where that says more."""
    return f"{count / GIB:.1f} GiB" if count >= GIB / 10 else f"{count / 2**20:.1f} MiB"
