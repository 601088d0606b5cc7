"""Memory that is freed and wanted again at once should not go back to the system in between."""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # from glibc's malloc.h
_LARGEST = (1 << 30, 1 << 25)
"""Sizes from which a block is mapped on its own: a gibibyte, or the most that older glibcs take."""


def keep_freed_memory() -> bool:
    """Asks the C library to reuse freed blocks of any size instead of unmapping them.

    A training step frees and allocates the same activations again and again. By default glibc
    maps each large block afresh, and the kernel clears every page of it on first touch: a quarter
    of a step's time on a 135M model. The process keeps its peak memory until it ends, which a
    benchmark run reaches again at every step anyway.

    Returns:
        Whether the C library has these settings; other systems' allocators are left as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    mapped = any(mallopt(_M_MMAP_THRESHOLD, size) for size in _LARGEST)
    return bool(mapped and mallopt(_M_TRIM_THRESHOLD, -1))
