"""Errors that mean running out of memory, and freeing memory after one."""

from __future__ import annotations

import errno
import gc

import torch
from safetensors import SafetensorError

from mobench.machine.heap import give_back

MESSAGES = (
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",  # the same on Windows
    "MPS backend out of memory",
    "Cannot allocate memory",  # a file that cannot be mapped: torch's RuntimeError
    "can't start new thread",
    "bad_alloc",
    "(os error 12)",  # safetensors' and tokenizers' own errors
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
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    told = isinstance(error, RuntimeError | SafetensorError) or type(error) is Exception
    return told and any(message in str(error) for message in MESSAGES)


def free_memory() -> None:
    """Frees all memory that nothing refers to.

    Call it after the ``except`` block and not inside, where the error's traceback keeps the tensors
    of all frames alive.
    """
    gc.collect()
    give_back()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
