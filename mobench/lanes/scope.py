"""Which lanes a forward pass uses."""

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
        active: Their indices in use, in batch order; all of them to begin with.
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
            # A view, not a copy: measuring one lane at a time stays free.
            return stacked[self.active[0] : self.active[0] + 1]
        return stacked[list(self.active)]

    @contextmanager
    def using(self, lanes: Sequence[int]) -> Iterator[None]:
        """Uses only ``lanes`` inside the block.

        Raises:
            ValueError: If a lane does not exist, or appears twice (twins would share gradients).
        """
        chosen = tuple(lanes)
        if not chosen or len(set(chosen)) != len(chosen):
            raise ValueError(f"lanes must be distinct and at least one, got {chosen}")
        if min(chosen) < 0 or max(chosen) >= self.total:
            raise ValueError(f"lanes {chosen} outside 0..{self.total - 1}")
        before, self.active = self.active, chosen
        try:
            yield
        finally:
            self.active = before


class Scoped(Protocol):
    """A model with lanes on it: all that a forward pass needs."""

    model: PreTrainedModel
    scope: Scope


class Lanes(Scoped, Protocol):
    """What training and measuring need of a stack of lanes, whatever moves."""

    def trainable(self) -> dict[str, nn.Parameter]:
        """The stacked parameters by name, each [lanes, …]."""

    def state(self, lane: int) -> dict[str, torch.Tensor]:
        """One lane's weights under the names of the format they are saved in."""

    def load(self, lane: int, state: Mapping[str, torch.Tensor]) -> None:
        """Puts saved weights into a lane."""
