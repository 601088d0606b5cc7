"""What this machine has, without importing torch, for commands that only show something.

A run asks torch itself (:mod:`mobench.machine.hardware`), and will most likely get the same answer.
Importing torch takes seconds.
"""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass, replace
from importlib import metadata

from mobench.machine.hardware import Hardware, detect

MIB_PER_GIB = 1024
_QUERY = ("--query-gpu=index,uuid,name,memory.total,memory.free", "--format=csv,noheader,nounits")


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA GPU as its driver reports it; memory in GiB."""

    index: str
    uuid: str
    name: str
    memory_gb: float
    memory_available_gb: float


def survey() -> Hardware:
    """Returns what this machine has, with the visible GPUs if this torch can use any.

    What is told of one is the first's.
    """
    if not _is_cpu_build():
        gpus = visible_gpus()
        if gpus:
            first = gpus[0]
            return replace(
                detect("cpu"),
                device="cuda",
                gpu=first.name,
                gpu_memory_gb=first.memory_gb,
                gpu_memory_available_gb=first.memory_available_gb,
                gpus=len(gpus),
            )
        if (platform.system(), platform.machine()) == ("Darwin", "arm64"):
            return detect("mps")
    return detect("cpu")


def visible_gpus() -> list[Gpu]:
    """Returns the GPUs that ``CUDA_VISIBLE_DEVICES`` leaves visible, in its order."""
    gpus = _driver_gpus()
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        return gpus
    visible = []
    for name in chosen.split(","):
        matching = [gpu for gpu in gpus if name.strip() in (gpu.index, gpu.uuid)]
        if not matching:
            break  # CUDA ignores everything after the first name that it does not know.
        visible += matching
    return visible


def _driver_gpus() -> list[Gpu]:
    """All GPUs that the driver reports; none if there is no driver."""
    try:
        done = subprocess.run(
            ["nvidia-smi", *_QUERY], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return []
    gpus = []
    for line in done.stdout.splitlines():
        fields = [field.strip() for field in line.split(",")]
        try:
            index, uuid, name, total, free = fields
            memory, available = float(total) / MIB_PER_GIB, float(free) / MIB_PER_GIB
        except ValueError:
            continue  # Some value is not a number, such as "[N/A]".
        gpus.append(Gpu(index, uuid, name, memory, available))
    return gpus


def _is_cpu_build() -> bool:
    """Whether the installed torch was built for CPUs only, by its version."""
    try:
        return metadata.version("torch").endswith("+cpu")
    except metadata.PackageNotFoundError:
        return False
