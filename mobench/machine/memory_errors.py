"""Errors that mean running out of memory, and freeing memory after one."""

from __future__ import annotations

import gc

import torch

from mobench.machine.heap import give_back

MESSAGES = (
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",  # the same on Windows
    "MPS backend out of memory",
    "CUDA error: out of memory",  # of what is allocated beside torch's own allocator
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate",  # no room for its workspace
    "CUSOLVER_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
"""What torch says where it raises no ``torch.OutOfMemoryError`` but a ``RuntimeError``, which its
``AcceleratorError`` of a GPU is too."""


def is_out_of_memory(error: BaseException) -> bool:
    """Returns whether an error means that there was not enough memory, on any device."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(message in str(error) for message in MESSAGES)


def free_memory() -> None:
    """Frees all memory that nothing refers to.

    Call it after the ``except`` block and not inside, where the error's traceback keeps the tensors
    of all frames alive.
    """
    gc.collect()
    give_back()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
