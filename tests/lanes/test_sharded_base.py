"""Lanes on a base of which each process holds a part are what they are on a whole one.

mobench does not train in this way yet: `docs/gpu.md` says why. What stands in its way is not here:
the lanes read a frozen layer's weight past the layer itself, and it is there when they do.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from support.sharded_rank import RUNS, lanes_of, train

PROCESSES = 2


def test_two_processes_with_half_a_base_each_train_the_adapters_of_one(tmp_path: Path) -> None:
    paths = os.pathsep.join(path for path in sys.path if path)
    environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    begun = [
        subprocess.Popen(
            [sys.executable, "-m", "support.sharded_rank", str(rank), str(PROCESSES), tmp_path],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(PROCESSES)
    ]
    alone = lanes_of(RUNS)
    train(alone, RUNS)
    for process in begun:
        _, said = process.communicate(timeout=240)
        assert process.returncode == 0, said
    for lane, run in enumerate(RUNS):
        theirs = load_file(tmp_path / f"{run.seed}.safetensors")
        for name, value in alone.state(lane).items():
            assert torch.allclose(theirs[name], value, rtol=0, atol=1e-12), name
    model = alone.model
    adapters = sum(p.numel() for p in alone.trainable().values())
    whole = sum(p.numel() for p in model.parameters()) - adapters
    outside = whole - sum(
        p.numel()
        for layer in model.model.layers
        for name, p in layer.named_parameters()
        if not name.endswith((".a", ".b"))
    )
    for rank in range(PROCESSES):
        held = int((tmp_path / f"{rank}.held").read_text())
        assert held - outside <= 0.51 * (whole - outside)
