"""Watches what goes into models, of whatever kind and wherever they were made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from mobench.lanes.full import StackedEmbedding


@contextmanager
def each_forward_pass(seen: Callable[[nn.Module, torch.Tensor], None]) -> Iterator[None]:
    """Calls a function before each forward pass of any model, until the block ends.

    Args:
        seen: Called with the model's layer of word embeddings and with token ids, [rows, tokens].
            What it raises ends the forward pass.
    """

    def hook(module: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        if isinstance(module, nn.Embedding | StackedEmbedding):
            seen(module, given[0])

    handle = register_module_forward_pre_hook(hook)
    try:
        yield
    finally:
        handle.remove()
