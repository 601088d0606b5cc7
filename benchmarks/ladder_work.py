"""One ladder's training as both sides of the comparison get it: the runs, the data, their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import psutil

from mobench.train.batches import Encoded, order
from mobench.train.pack import Run

LOGGED = 10
"""Steps over which a logged loss is averaged: TRL's default."""


@dataclass(frozen=True)
class Work:
    """What is to be trained.

    Attributes:
        runs: Learning rate and seed of each run.
        examples: The task's examples in tokens.
        steps: Optimizer steps of a run.
        batch_size: Examples in a step.
        method: ``lora`` or ``full``.
        rank: LoRA rank; not used for ``full``.
        alpha: LoRA alpha; not used for ``full``.
        pad: Token id to pad with.
    """

    runs: tuple[Run, ...]
    examples: tuple[Encoded, ...]
    steps: int
    batch_size: int
    method: Literal["lora", "full"]
    rank: int
    alpha: float
    pad: int

    def batches(self, seed: int) -> list[list[Encoded]]:
        """The examples of a run, step by step; every rung of a seed gets the same."""
        numbers = islice(order(seed, len(self.examples), self.batch_size), self.steps)
        return [[self.examples[n] for n in batch] for batch in numbers]

    def tokens(self) -> int:
        """Tokens trained on over all runs, padding not counted."""
        return sum(
            len(example.prompt) + len(example.response)
            for run in self.runs
            for batch in self.batches(run.seed)
            for example in batch
        )


@dataclass(frozen=True)
class Side:
    """What one side took.

    Attributes:
        seconds: Training alone.
        setup_seconds: Making models, adapters and trainers; not part of ``seconds``.
        losses: For each run, its loss averaged over every ten steps, in nats per token.
        resident_bytes: The process's memory after training.
    """

    seconds: float
    setup_seconds: float
    losses: tuple[tuple[float, ...], ...]
    resident_bytes: int


def logged(losses: Sequence[float], steps: int) -> tuple[float, ...]:
    """Step losses averaged as a trainer logs them, every ten steps; what is left over is not.

    Args:
        losses: One for each step that was taken.
        steps: The run's budget: one of fewer than ten steps is logged once.
    """
    size = min(LOGGED, steps)
    ends = range(size, len(losses) + 1, size)
    return tuple(sum(losses[end - size : end]) / size for end in ends)


def resident_bytes() -> int:
    """Memory that this process holds now."""
    return int(psutil.Process().memory_info().rss)
