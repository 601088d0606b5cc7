"""Tensors on disk, as safetensors files that appear whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from mobench.errors import MobenchError
from mobench.machine.memory_errors import is_out_of_memory
from mobench.machine.system_errors import as_system_errors
from mobench.store.atomic import write_with


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Writes a safetensors file.

    Raises:
        OSError: It cannot be written; safetensors has an error of its own for that.
    """
    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}

    def write(staging: Path) -> None:
        with as_system_errors(path):
            # transformers opens only files that say whose tensors they hold.
            save_file(whole, str(staging), metadata={"format": "pt"})

    write_with(path, write)


def read_tensors(path: Path, remedy: str) -> dict[str, torch.Tensor]:
    """Reads a safetensors file.

    Args:
        path: The file.
        remedy: What to do where it cannot be read.

    Raises:
        MobenchError: It is missing or damaged. Running out of memory is raised as it is.
    """
    try:
        state: dict[str, torch.Tensor] = load_file(path)
    except Exception as error:  # safetensors raises its own kinds
        if is_out_of_memory(error):
            raise  # Nothing is wrong with the file.
        raise MobenchError(f"{path} cannot be read: {error}", remedy) from error
    return state


def round_tensors(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rounds floating-point tensors to bfloat16, half of float32's bytes."""
    return {
        name: tensor.to(torch.bfloat16) if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }
