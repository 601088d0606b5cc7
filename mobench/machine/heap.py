"""Memory that is freed and wanted again at once should not go back to the system in between."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # from glibc's malloc.h
_SMALLEST_MAPPED = 1 << 18
_LARGEST = (1 << 30, 1 << 25)
"""Sizes from which a block is mapped on its own: a gibibyte, or the most that older glibcs take."""


def keep_freed_memory() -> bool:
    """Asks the C library to reuse freed blocks of any size instead of unmapping them.

    A training step frees and allocates the same activations again and again. By default glibc
    maps each large block afresh, and the kernel clears every page of it on first touch: a quarter
    of a step's time on a 135M model. The process keeps its peak memory until it ends, which a
    benchmark run reaches again at every step anyway.

    Returns:
        Whether the C library has these settings.
    """
    mallopt = _function("mallopt")
    if mallopt is None:
        return False
    mapped = any(mallopt(_M_MMAP_THRESHOLD, size) for size in _LARGEST)
    return bool(mapped and mallopt(_M_TRIM_THRESHOLD, -1))


def return_freed_memory() -> bool:
    """Asks the C library to map every large block on its own, and to unmap it when it is freed.

    The opposite of :func:`keep_freed_memory`, for when memory is scarcer than time. Activations
    that are kept lie between others that were freed, and a heap cannot join the holes: it grows
    to a third more than what is alive, to twice as much where activations are recomputed. A step
    takes about half as long again.

    Returns:
        Whether the C library has these settings.
    """
    mallopt = _function("mallopt")
    if mallopt is None:
        return False
    # Named, the threshold stays: glibc's own rises with the first large block that is freed.
    mapped = mallopt(_M_MMAP_THRESHOLD, _SMALLEST_MAPPED)
    return bool(mapped and mallopt(_M_TRIM_THRESHOLD, _SMALLEST_MAPPED))


def give_back() -> None:
    """Gives freed memory back to the system now, whatever the settings."""
    trim = _function("malloc_trim")
    if trim is not None:
        trim(0)


def _function(name: str) -> Callable[..., int] | None:
    """A function of glibc's; None on other systems, whose allocators are left as they are."""
    try:
        found: Callable[..., int] = getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return None
    return found
