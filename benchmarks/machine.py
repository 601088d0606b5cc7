"""The machine that figures were measured on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from mobench.machine.hardware import detect, matmul_flops
from mobench.store.provenance import versions

PEAK_SHAPE = (2048, 2048, 2048)
"""A square product large enough to reach what the machine can do."""


def machine(device: str) -> dict[str, Any]:
    """What a result records of the hardware; nothing that names this one machine.

    Args:
        device: As `hardware.pick_device` returns it.
    """
    found = detect(device)
    return {
        "device": found.device,
        "cpu": found.cpu,
        "cores": found.cores,
        "threads": torch.get_num_threads(),
        "memory_gb": round(found.memory_gb, 1),
        "gpu": found.gpu,
        "versions": versions(),
    }


def machine_line(facts: Mapping[str, Any]) -> str:
    """The hardware in one line."""
    cpu = f"{facts['cpu']}, {facts['cores']} cores, {facts['threads']} torch threads"
    where = f"{facts['gpu']} ({cpu})" if facts["gpu"] else cpu
    return f"{where}, {facts['memory_gb']:.0f} GiB, torch {facts['versions']['torch']}"


def peak_flops(device: str, dtype: str) -> float:
    """Measured FLOP/s of a large matrix product; the ceiling for everything else."""
    return matmul_flops(device, dtype, 2.0, shape=PEAK_SHAPE)
