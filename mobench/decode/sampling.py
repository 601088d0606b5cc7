"""How the next token is chosen: the likeliest one, or drawn."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Sampling:
    """Greedy at temperature 0, else drawn.

    A draw depends on the seed, the row's name and the place of the token in the answer alone, never
    on what shares the batch, so an answer can be had again in any batch.

    Attributes:
        temperature: Logits are divided by it; 0 takes the likeliest token.
        top_p: Drawn among the likeliest tokens that together have this probability (nucleus
            sampling, Holtzman et al. 2020, arXiv 1904.09751).
        seed: Another one gives other draws.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.temperature < 0:
            raise ValueError(f"temperature must be at least 0, got {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must be in the interval (0, 1], got {self.top_p}")

    def choose(self, logits: torch.Tensor, names: Sequence[str], place: int) -> torch.Tensor:
        """Chooses each row's next token.

        Args:
            logits: [rows, vocabulary].
            names: What each row's draws are named by.
            place: Tokens that the answer has already.

        Returns:
            Token ids [rows].
        """
        if self.temperature == 0:
            return logits.argmax(-1)
        chances, order = (logits.double() / self.temperature).softmax(-1).sort(-1, descending=True)
        below = chances.cumsum(-1) - chances
        # The token that passes the threshold is still in: there is always one.
        chances = chances.masked_fill(below >= self.top_p, 0.0)
        total = chances.cumsum(-1)
        draws = [random.Random(f"{self.seed}/{name}/{place}").random() for name in names]
        drawn = torch.tensor(draws, dtype=total.dtype, device=total.device)[:, None]
        # The first token whose cumulated chance passes the draw; the last one may miss by rounding.
        picked = (total > drawn * total[:, -1:]).to(torch.uint8).argmax(-1, keepdim=True)
        return order.gather(-1, picked)[:, 0]


GREEDY = Sampling()
