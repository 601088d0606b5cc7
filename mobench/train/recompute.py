"""Activations computed again in the backward pass, for models whose own would not fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from torch import nn
from torch.utils.checkpoint import checkpoint
from transformers.modeling_layers import GradientCheckpointingLayer


@contextmanager
def recomputing(model: nn.Module, *, on: bool = True) -> Iterator[None]:
    """Keeps only each block's input inside the ``with``; all else in it is computed twice.

    Chen et al. 2016, arXiv 1604.06174. transformers' own switch works only in training mode, which
    turns dropout on too, and a run would then depend on who shares its pack.

    Args:
        model: Its ``GradientCheckpointingLayer`` blocks are what is kept small.
        on: False changes nothing.
    """
    blocks = [m for m in model.modules() if isinstance(m, GradientCheckpointingLayer)] if on else []
    for block in blocks:
        again = partial(checkpoint, block.forward, use_reentrant=False, preserve_rng_state=False)
        # On the object, not its class: taken away below, the class's own is there again.
        vars(block)["forward"] = again
    try:
        yield
    finally:
        for block in blocks:
            del vars(block)["forward"]
