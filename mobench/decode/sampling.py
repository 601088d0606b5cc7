"""Tokens that are drawn at random, the same ones whatever else is in the batch.

Each answer has random numbers of its own, which depend on the seed, the prompt and the number of
the draw alone. So an answer is the same in whatever batch, lane and order it is computed, and all
models of a run are asked with the same random numbers, as they are asked the same prompts.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from mobench.registry.organism_spec import Decoding

ROWS = 64
"""Rows whose distributions are in memory at once."""


@dataclass(frozen=True)
class Sampling:
    """How the answers to some prompts are drawn.

    Attributes:
        temperature: What logits are divided by; above 0.
        top_p: Share of the probability, from the likeliest token on, that tokens are drawn from.
        streams: For each prompt a number from which its random numbers come.
    """

    temperature: float
    top_p: float
    streams: tuple[int, ...]

    def of(self, numbers: Sequence[int]) -> Sampling:
        """The same for some of the prompts, by their number."""
        return replace(self, streams=tuple(self.streams[number] for number in numbers))


def stream(seed: int, prompt: Sequence[int], draw: int) -> int:
    """The number that the random numbers of one answer come from, in [0, 2^63).

    Args:
        seed: Of the organism's decoding.
        prompt: Token ids of the prompt.
        draw: Which of the answers to this prompt it is.
    """
    key = json.dumps([seed, draw, list(prompt)]).encode()
    return int.from_bytes(hashlib.sha256(key).digest()[:8], "big") >> 1


def sampling_of(
    decoding: Decoding | None, prompts: Sequence[Sequence[int]], draws: Sequence[int]
) -> Sampling | None:
    """How answers to prompts are drawn by an organism's file; None where they are greedy.

    Args:
        decoding: What the file says.
        prompts: Token ids of each prompt.
        draws: For each of them which of its answers it is.
    """
    if decoding is None:
        return None
    streams = (
        stream(decoding.seed, prompt, draw) for prompt, draw in zip(prompts, draws, strict=True)
    )
    return Sampling(decoding.temperature, decoding.top_p, tuple(streams))


class Draws:
    """Draws the next token of each row of a batch.

    Args:
        sampling: How the prompts' answers are drawn.
        lanes: How often each prompt is answered; rows are numbered lane by lane.
    """

    def __init__(self, sampling: Sampling, lanes: int) -> None:
        self._sampling = sampling
        self._random = [random.Random(number) for _ in range(lanes) for number in sampling.streams]

    def next(self, logits: torch.Tensor, rows: Sequence[int]) -> torch.Tensor:
        """Draws a token for each row by the inverse of the distribution function.

        Args:
            logits: [rows, vocabulary].
            rows: The rows' numbers. Each takes one random number at each of its tokens.

        Returns:
            Token ids [rows].
        """
        parts = [
            self._drawn(logits[start : start + ROWS], rows[start : start + ROWS])
            for start in range(0, len(rows), ROWS)
        ]
        return torch.cat(parts).to(logits.device)

    def _drawn(self, logits: torch.Tensor, rows: Sequence[int]) -> torch.Tensor:
        # Apple's GPUs have no double precision.
        precise = (logits.cpu() if logits.device.type == "mps" else logits).double()
        chances = torch.softmax(precise / self._sampling.temperature, dim=-1)
        if self._sampling.top_p < 1.0:
            ordered, place = chances.sort(dim=-1, descending=True, stable=True)
            # A token stays where those before it do not make up the share yet; the likeliest does.
            outside = ordered.cumsum(-1) - ordered >= self._sampling.top_p
            chances = chances.scatter(-1, place, ordered.masked_fill(outside, 0.0))
        reached = chances.cumsum(-1)
        aims = torch.tensor([[self._random[row].random()] for row in rows], dtype=torch.float64)
        aims = aims.to(reached.device) * reached[:, -1:]
        chosen = torch.searchsorted(reached, aims, right=True).squeeze(-1)
        # Rounding may take the largest numbers beyond the last token that can be drawn.
        last = chances.shape[-1] - 1 - (chances.flip(-1) > 0).int().argmax(-1)
        return torch.minimum(chosen, last)
