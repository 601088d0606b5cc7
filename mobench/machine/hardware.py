"""What this machine has: the device to use, its memory, and how fast it multiplies.

torch is imported inside functions only: commands that never compute stay instant.
"""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mobench.errors import MobenchError, did_you_mean

GIB = 1024**3
_KNOWN = ("auto", "cuda", "mps", "cpu")


@dataclass(frozen=True)
class Hardware:
    """What a run can use, and what its manifest records. Memory is in GiB.

    Attributes:
        device: ``cuda``, ``cuda:1``, ``mps`` or ``cpu``: where the model will be.
        cpu: Model name of the processor.
        cores: CPU cores this process may use (affinity and control-group quota applied).
        memory_gb: Memory this process may use at all: physical, or its control group's limit.
        memory_available_gb: What of it is free now.
        gpu: Name of the GPU, or None.
        gpu_memory_gb: The GPU's memory, or None.
        gpu_memory_available_gb: What of it is free now, or None.
    """

    device: str
    cpu: str
    cores: int
    memory_gb: float
    memory_available_gb: float
    gpu: str | None = None
    gpu_memory_gb: float | None = None
    gpu_memory_available_gb: float | None = None

    @property
    def model_memory_gb(self) -> float:
        """Free memory, in GiB, where the model will be: the GPU's on cuda, else the machine's."""
        if self.gpu_memory_available_gb is not None:
            return self.gpu_memory_available_gb
        return self.memory_available_gb


def pick_device(name: str | None = None) -> str:
    """Returns the torch device to use.

    Args:
        name: ``cuda``, ``cuda:1``, ``mps``, ``cpu``; None or ``auto`` takes the first of them
            that is there.

    Raises:
        MobenchError: The name is unknown, or that device is not there.
    """
    import torch

    if name is None or name == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, index = name.partition(":")
    if kind not in _KNOWN or kind == "auto" or (index and not (kind == "cuda" and index.isdigit())):
        raise MobenchError(
            f"Unknown device {name!r}.{did_you_mean(name, _KNOWN)}",
            "Use one of: auto, cuda, cuda:N, mps, cpu.",
        )
    otherwise = "Leave the device out to take the best that is here, or name cpu."
    if kind == "cuda":
        if not torch.cuda.is_available():
            why = (
                "this PyTorch was built without CUDA"
                if torch.version.cuda is None
                else "PyTorch sees no CUDA device"
            )
            raise MobenchError(f"Device {name!r} is not here: {why}.", otherwise)
        count = torch.cuda.device_count()
        if index and int(index) >= count:
            there = ", ".join(f"cuda:{i}" for i in range(count))
            raise MobenchError(f"Device {name!r} is not here; there is {there}.", otherwise)
    if kind == "mps" and not torch.backends.mps.is_available():
        raise MobenchError(f"Device {name!r} is not here: no Apple GPU.", otherwise)
    return name


def detect(device: str) -> Hardware:
    """Returns what this machine has.

    Args:
        device: A device as `pick_device` returns it.
    """
    total, available = memory()
    gpu, gpu_total, gpu_free = None, None, None
    if device.startswith("cuda"):
        import torch

        gpu = torch.cuda.get_device_name(device)
        free_bytes, total_bytes = torch.cuda.mem_get_info(device)
        gpu_total, gpu_free = total_bytes / GIB, free_bytes / GIB
    elif device == "mps":
        gpu = f"{_cpu_name()} GPU"  # its memory is the machine's own: nothing separate to report
    return Hardware(
        device=device,
        cpu=_cpu_name(),
        cores=cores(),
        memory_gb=total / GIB,
        memory_available_gb=available / GIB,
        gpu=gpu,
        gpu_memory_gb=gpu_total,
        gpu_memory_available_gb=gpu_free,
    )


def memory(root: Path = Path("/")) -> tuple[int, int]:
    """Returns (total, available) bytes this process may use.

    A container's limit counts where it is below the physical memory: going over it ends the
    process without a word, however much the machine has.

    Args:
        root: Where ``proc`` and ``sys`` are.
    """
    import psutil

    machine = psutil.virtual_memory()
    total, available = int(machine.total), int(machine.available)
    for limit, used in _memory_groups(root):
        if limit < machine.total:
            total = min(total, limit)
            available = min(available, max(limit - used, 0))
    return total, available


def cores(root: Path = Path("/")) -> int:
    """Returns the CPU cores this process may use, at least 1.

    Args:
        root: Where ``proc`` and ``sys`` are.
    """
    count = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    for folder in _group_folders(root, "cpu"):
        quota, period = _quota(folder)
        if quota is not None and period:
            count = min(count, math.ceil(quota / period))
    return max(count, 1)


def matmul_flops(
    device: str,
    dtype: str,
    seconds: float = 0.3,
    *,
    shape: tuple[int, int, int] = (1024, 1024, 1024),
) -> float:
    """Measures how fast this device multiplies matrices.

    Args:
        device: A device as `pick_device` returns it.
        dtype: ``float32`` or ``bfloat16``.
        seconds: How long to measure, after one uncounted product.
        shape: (rows, inner, columns) of the product. A small model's products are far from a
            large one's speed, so measure at the model's own:
            `mobench.plan.model_size.matmul_shape`.

    Returns:
        Floating-point operations a second, a multiply-add counted as two.
    """
    import torch

    rows, inner, columns = shape
    kind = torch.bfloat16 if dtype == "bfloat16" else torch.float32
    left = torch.ones(rows, inner, device=device, dtype=kind)
    right = torch.ones(inner, columns, device=device, dtype=kind)

    def finish() -> None:
        # a GPU only queues the work; reading one value waits for it
        float(product[0, 0])

    with torch.no_grad():
        product = left @ right  # the first call also pays for start-up and kernel choice
        finish()
        done = 0
        start = time.perf_counter()
        elapsed = 0.0
        while elapsed < seconds:
            for _ in range(8):
                product = left @ right
            finish()
            done += 8
            elapsed = time.perf_counter() - start
    return 2.0 * rows * inner * columns * done / elapsed


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.lower().startswith(("model name", "hardware")):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def _group_folders(root: Path, controller: str) -> Iterator[Path]:
    """Yields this process's control-group folders, own first, then up to the root (v2 and v1).

    A limit on any parent binds too, so all of them count.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return  # not Linux
    for line in lines:
        _, names, path = line.split(":", 2)
        base = root / "sys/fs/cgroup"
        if names:
            if controller not in names.split(","):
                continue
            base = base / (controller if (base / controller).is_dir() else names)
        # A container sees its own group as the root of the tree although the name is the
        # host's, so folders of that name may be missing: those are skipped.
        folder = base / path.lstrip("/")
        for candidate in (folder, *folder.parents):
            if candidate.is_dir():
                yield candidate
            if candidate == base:
                break


def _number(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.lstrip("-").isdigit() else None


def _memory_groups(root: Path) -> Iterator[tuple[int, int]]:
    """Yields (limit, bytes in use) of each control group that has a memory limit."""
    for folder in _group_folders(root, "memory"):
        for limit_file, used_file, cache_key in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            limit = _number(folder / limit_file)
            if limit is None:
                continue
            used = _number(folder / used_file) or 0
            # file cache the kernel gives back on demand is not in the way
            yield limit, max(used - _stat(folder / "memory.stat", cache_key), 0)


def _stat(path: Path, key: str) -> int:
    try:
        for line in path.read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == key:
                return int(value)
    except OSError:
        pass
    return 0


def _quota(folder: Path) -> tuple[int | None, int]:
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        return (None if quota == "max" else int(quota)), int(period)
    except (OSError, ValueError):
        pass
    old = _number(folder / "cpu.cfs_quota_us")
    return (old if old is not None and old > 0 else None), _number(
        folder / "cpu.cfs_period_us"
    ) or 0
