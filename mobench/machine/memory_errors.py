"""Running out of memory: how it shows, and how to let go of what did not fit."""

from __future__ import annotations

import gc

import torch

from mobench.machine.heap import give_back

_SAID = (
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",  # the same on Windows
    "MPS backend out of memory",
)
"""What torch says where it has no error type of its own for it."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that there was not enough memory, on whatever device."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(said in str(error) for said in _SAID)


def let_go() -> None:
    """Gives back what nothing refers to any more.

    Call it after the ``except`` block: inside, the error's traceback keeps every tensor of every
    frame alive.
    """
    gc.collect()
    give_back()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
