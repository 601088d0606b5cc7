"""Recomputing activations in the backward pass, where keeping them would take too much memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from torch import nn
from torch.utils.checkpoint import checkpoint
from transformers.modeling_layers import GradientCheckpointingLayer


@contextmanager
def recomputing(model: nn.Module, *, on: bool = True) -> Iterator[None]:
    """Keeps only the input of each block inside the context; the rest is computed twice.

    This is gradient checkpointing (Chen et al. 2016, arXiv 1604.06174). The switch of transformers
    works only in training mode, which also turns dropout on, and then a run would depend on the
    other runs of its pack.

    Args:
        model: A model whose blocks are ``GradientCheckpointingLayer``s.
        on: Whether to recompute; False changes nothing.
    """
    blocks = [m for m in model.modules() if isinstance(m, GradientCheckpointingLayer)] if on else []
    for block in blocks:
        again = partial(checkpoint, block.forward, use_reentrant=False, preserve_rng_state=False)
        # Set on the object and not on its class, so deleting it brings the class's own back.
        vars(block)["forward"] = again
    try:
        yield
    finally:
        for block in blocks:
            del vars(block)["forward"]
