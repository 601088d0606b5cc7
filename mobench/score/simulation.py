"""Simulated attack outcomes with a truth that is known: what intervals are tested on.

One latent-normal (probit) model, so that the true rate is exact and needs no simulation of its own.
Seed ``s`` has a level ``r_s`` in [0, 1]; prompt ``p`` at checkpoint ``k`` shows the behavior if

    c * probit(r_s) + d_p + u_sp + w_sk + e_skp > 0,   c = sqrt(1 + D^2 + U^2 + W^2)

with standard normal ``e``, prompt difficulty ``d ~ N(0, D^2)`` shared by all seeds, a seed's own
preference for a prompt ``u ~ N(0, U^2)`` that stays through its checkpoints, and wobble ``w``, an
AR(1) series over checkpoints of standard deviation ``W``. Over all of them the rate is ``r_s``
itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from mobench.score.intervals import Array

Levels = Callable[[np.random.Generator, int], Array]
"""Draws the levels of that many seeds, each in [0, 1]."""


@dataclass(frozen=True)
class Noise:
    """What makes outcomes vary around a seed's level.

    Attributes:
        difficulty: D, spread of prompts, shared by all seeds.
        seed_preference: U, spread of prompts within a seed: on which of them it shows the behavior.
        wobble: W, spread of checkpoints within a seed.
        correlation: Of neighboring checkpoints' wobble, in [0, 1).
    """

    difficulty: float = 0.0
    seed_preference: float = 0.0
    wobble: float = 0.25
    correlation: float = 0.0

    @property
    def scale(self) -> float:
        """c, which keeps the rate over everything at the seed's level."""
        return math.sqrt(1 + self.difficulty**2 + self.seed_preference**2 + self.wobble**2)


def beta_levels(mean: float, sd: float) -> Levels:
    """Returns seeds whose levels have a beta distribution with this mean and standard deviation.

    Raises:
        ValueError: No distribution on [0, 1] has them.
    """
    if not 0.0 <= mean <= 1.0 or sd < 0.0:
        raise ValueError(f"no rate has mean {mean:g} and standard deviation {sd:g}")
    if sd == 0.0:
        return lambda _, seeds: np.full(seeds, mean)
    strength = mean * (1.0 - mean) / sd**2 - 1.0
    if strength <= 0.0:
        raise ValueError(f"no rate with mean {mean:g} has a standard deviation of {sd:g}")
    return lambda rng, seeds: rng.beta(mean * strength, (1.0 - mean) * strength, size=seeds)


def two_state_levels(share: float, low: float, high: float) -> Levels:
    """Returns seeds that end in one of two states: ``low`` with this probability, else ``high``."""
    return lambda rng, seeds: np.where(rng.random(seeds) < share, low, high)


def draw_outcomes(
    levels: Array, checkpoints: int, prompts: int, noise: Noise, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Draws outcomes.

    Args:
        levels: Level of each seed [seeds], or of each seed at each checkpoint
            [seeds, checkpoints] for a curve that moves.
        checkpoints: Number of checkpoints.
        prompts: Number of prompts.
        noise: What makes outcomes vary.
        rng: Source of randomness.

    Returns:
        Outcomes [seeds, checkpoints, prompts], and the prompts' difficulties [prompts].
    """
    path = levels if levels.ndim == 2 else np.repeat(levels[:, None], checkpoints, axis=1)
    seeds = path.shape[0]
    difficulty = noise.difficulty * rng.standard_normal(prompts)
    latent = noise.scale * special.ndtri(path) + _wobble(seeds, checkpoints, noise, rng)
    own = difficulty[None, :] + noise.seed_preference * rng.standard_normal((seeds, prompts))
    chance = special.ndtr(latent[:, :, None] + own[:, None, :])
    outcomes = (rng.random(chance.shape) < chance).astype(np.float64)
    return outcomes, difficulty


def suite_rate(levels: Array, difficulty: Array, noise: Noise) -> float:
    """Returns the true mean rate on one suite of prompts, over the seeds' distribution.

    Args:
        levels: Equally likely levels that stand for the distribution [n].
        difficulty: The suite's prompts [prompts].
        noise: As they were drawn with.
    """
    rest = math.sqrt(1 + noise.seed_preference**2 + noise.wobble**2)
    latent = noise.scale * special.ndtri(levels)
    return float(special.ndtr((latent[:, None] + difficulty[None, :]) / rest).mean())


def _wobble(seeds: int, checkpoints: int, noise: Noise, rng: np.random.Generator) -> Array:
    """Returns stationary AR(1) series [seeds, checkpoints]."""
    shocks = rng.standard_normal((seeds, checkpoints))
    shocks[:, 1:] *= math.sqrt(1.0 - noise.correlation**2)
    series = np.empty_like(shocks)
    series[:, 0] = shocks[:, 0]
    for step in range(1, checkpoints):
        series[:, step] = noise.correlation * series[:, step - 1] + shocks[:, step]
    return np.asarray(noise.wobble * series, dtype=np.float64)
