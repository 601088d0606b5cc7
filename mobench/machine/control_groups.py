"""Memory and CPU cores that this process may use, by the limits of its control groups."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")
"""Where ``proc`` and ``sys`` are on this machine."""


def memory(root: Path) -> tuple[int, int]:
    """Returns the total and the available bytes that this process may use.

    The limit of a container counts where it is below the physical memory, because a process that
    exceeds it is killed without a message; and so does that of the process's own address space.

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
    own = _address_space()
    if own is not None:
        used = int(psutil.Process().memory_info().vms)
        total, available = min(total, own), min(available, max(own - used, 0))
    return total, available


def _address_space() -> int | None:
    """The bytes that this process may map, as ``ulimit -v`` sets them; None where any number."""
    try:
        import resource
    except ImportError:
        return None  # Windows.
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def cores(root: Path) -> int:
    """Returns the CPU cores that this process may use, at least 1.

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


def _group_folders(root: Path, controller: str) -> Iterator[Path]:
    """Yields the folders of this process's control groups (v2 and v1), from its own up to the root.

    A parent's limit binds too, so all of them count.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return  # Not Linux.
    for line in lines:
        _, names, path = line.split(":", 2)
        base = root / "sys/fs/cgroup"
        if names:
            if controller not in names.split(","):
                continue
            base = base / (controller if (base / controller).is_dir() else names)
        # In a container the group is named as on the host, but its own folder is the root of the
        # tree. So folders by that name may be missing, and are skipped.
        folder = base / path.lstrip("/")
        for candidate in (folder, *folder.parents):
            if candidate.is_dir():
                yield candidate
            if candidate == base:
                break


def _number(path: Path) -> int | None:
    """The number that a file holds; None if there is no such file, or no number in it."""
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
            # File cache that the kernel gives back on demand does not count as used.
            yield limit, max(used - _stat(folder / "memory.stat", cache_key), 0)


def _stat(path: Path, key: str) -> int:
    """The value of a key in a file of one key and value a line; 0 if it is not there."""
    try:
        for line in path.read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == key:
                return int(value)
    except OSError:
        pass
    return 0


def _quota(folder: Path) -> tuple[int | None, int]:
    """A group's CPU quota, None if it has none, and the quota's period, in microseconds."""
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        return (None if quota == "max" else int(quota)), int(period)
    except (OSError, ValueError):
        pass
    old = _number(folder / "cpu.cfs_quota_us")
    return (old if old is not None and old > 0 else None), _number(
        folder / "cpu.cfs_period_us"
    ) or 0
