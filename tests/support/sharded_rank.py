"""One of several processes that each hold a part of a frozen base, and train lanes of their own.

    python -m support.sharded_rank RANK PROCESSES FOLDER

The processes find each other through a file in the folder, and leave their adapters there.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import distributed
from torch.distributed.fsdp import fully_shard

from mobench.lanes import LoraLanes
from mobench.lanes.placement import block_names
from mobench.train.pack import Recipe, Run, train_pack
from support.textbook_loop import ALPHA, EXAMPLES, PAD, RANK
from support.tiny_models import llama

RUNS = (Run(1e-3, 0), Run(1e-2, 1), Run(3e-3, 2), Run(2e-3, 3))
RECIPE = Recipe(steps=6, batch_size=4)


def lanes_of(runs: Sequence[Run]) -> LoraLanes:
    """A fresh LoRA for each run, on the model that all processes have."""
    return LoraLanes(llama(), [run.seed for run in runs], rank=RANK, alpha=ALPHA)


def train(lanes: LoraLanes, runs: Sequence[Run]) -> None:
    """Trains them to the end."""
    train_pack(lanes, runs, EXAMPLES, RECIPE, pad=PAD)


def main() -> None:
    """Trains this process's runs with its part of the base."""
    rank, processes, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=processes
    )
    own = RUNS[rank::processes]
    lanes = lanes_of(own)
    # Adapters are nobody else's: they stay whole, and their gradients are sent nowhere.
    adapters = set(lanes.trainable().values())
    for name in block_names(lanes.model):
        fully_shard(lanes.model.get_submodule(name), ignored_params=adapters)
    train(lanes, own)
    for lane, run in enumerate(own):
        save_file(lanes.state(lane), folder / f"{run.seed}.safetensors")
    held = [p for p in lanes.model.parameters() if not any(p is a for a in adapters)]
    parts = sum(p.to_local().numel() if hasattr(p, "to_local") else p.numel() for p in held)
    (folder / f"{rank}.held").write_text(str(parts))
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
