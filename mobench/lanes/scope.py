"""The lanes that a forward pass uses, and what all stacks of lanes have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import nn
from transformers import PreTrainedModel


class Scope:
    """The lanes in use, shared by all layers of one model.

    Attributes:
        total: How many lanes are stacked.
        active: The indices of the lanes in use, in the order of the batch; all of them at first.
    """

    def __init__(self, total: int) -> None:
        if total < 1:
            raise ValueError(f"a pack needs at least one lane, got {total}")
        self.total = total
        self.active: tuple[int, ...] = tuple(range(total))

    def pick(self, stacked: torch.Tensor) -> torch.Tensor:
        """Returns the active lanes' slices of ``stacked`` [total, …] as [active, …]."""
        if len(self.active) == self.total:
            return stacked
        if len(self.active) == 1:
            # A view, not a copy, so that measuring one lane at a time costs no memory.
            return stacked[self.active[0] : self.active[0] + 1]
        return stacked[list(self.active)]

    @contextmanager
    def using(self, lanes: Sequence[int]) -> Iterator[None]:
        """Uses only ``lanes`` inside the block.

        Raises:
            ValueError: A lane does not exist, or appears twice and would then get both gradients.
        """
        chosen = tuple(lanes)
        if not chosen or len(set(chosen)) != len(chosen):
            raise ValueError(f"lanes must be distinct and at least one, got {chosen}")
        if min(chosen) < 0 or max(chosen) >= self.total:
            raise ValueError(f"lanes {chosen} outside 0..{self.total - 1}")
        previous, self.active = self.active, chosen
        try:
            yield
        finally:
            self.active = previous


class Scoped(Protocol):
    """A model with lanes on it, which is all that a forward pass needs."""

    model: PreTrainedModel
    scope: Scope


class Lanes(Scoped, Protocol):
    """What training and measuring need of a stack of lanes, whatever its trainable weights are."""

    def trainable(self) -> dict[str, nn.Parameter]:
        """The stacked parameters by name, each [lanes, …]."""

    def state(self, lane: int) -> dict[str, torch.Tensor]:
        """One lane's weights under the names of the format they are saved in."""

    def load(self, lane: int, state: Mapping[str, torch.Tensor]) -> None:
        """Puts saved weights into a lane."""
