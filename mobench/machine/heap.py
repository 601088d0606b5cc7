"""Whether freed memory stays with the process, to be used again, or goes back to the system."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # from glibc's malloc.h
_SMALLEST_MAPPED = 1 << 18
_LARGEST = (1 << 30, 1 << 25)
"""Sizes from which a block is mapped separately: a gibibyte, or the most that older glibcs take."""


def keep_freed_memory() -> bool:
    """Asks the C library to reuse freed blocks of any size instead of unmapping them.

    A training step frees and allocates the same activations again and again. By default glibc
    maps each large block afresh, and the kernel clears every page of it on first touch: a quarter
    of a step's time on a 135M model. The process keeps its peak memory until it ends, which a
    training run reaches again at every step anyway.

    Returns:
        Whether the C library has these settings.
    """
    mallopt = _function("mallopt")
    if mallopt is None:
        return False
    mapped = any(mallopt(_M_MMAP_THRESHOLD, size) for size in _LARGEST)
    return bool(mapped and mallopt(_M_TRIM_THRESHOLD, -1))


def return_freed_memory() -> bool:
    """Asks the C library to map every large block separately, and to unmap it when it is freed.

    It is the opposite of :func:`keep_freed_memory`, for when memory is scarcer than time. A heap is
    fragmented, because activations that are kept lie between others that were freed: it grows to a
    third more than what is in use, and to twice as much where activations are recomputed. With this
    setting a step takes about half as long again.

    Returns:
        Whether the C library has these settings.
    """
    mallopt = _function("mallopt")
    if mallopt is None:
        return False
    # A threshold that is set stays; glibc's default one rises when a large block is freed.
    mapped = mallopt(_M_MMAP_THRESHOLD, _SMALLEST_MAPPED)
    return bool(mapped and mallopt(_M_TRIM_THRESHOLD, _SMALLEST_MAPPED))


def give_back() -> None:
    """Returns freed memory to the system now, whatever the settings."""
    trim = _function("malloc_trim")
    if trim is not None:
        trim(0)


def _function(name: str) -> Callable[..., int] | None:
    """A function of glibc; None on other systems, whose allocators are not changed."""
    try:
        function: Callable[..., int] = getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return None
    return function
