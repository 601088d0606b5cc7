"""Simulated organisms whose truth is known: whole ladders, seed by seed and step by step.

A world says of each rung how the rate of a seed moves in time and how much capability it loses.
They are made after ladders on the board: seeds that part at the critical rate, rates that still
fall at the end of the budget or jump between checkpoints, losses close to what is tolerated or rare
and large.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mobench.score.intervals import Array
from mobench.score.scores import VerdictWord

Path = Callable[[np.random.Generator, int, Array], Array]
"""Draws the rates of so many seeds at some times, in budgets [times]: [seeds, times]."""
Losses = Callable[[np.random.Generator, int], Array]
"""Draws how much capability that many seeds lose [seeds]."""

KEPT, GONE = 0.98, 0.02
"""Rates where nothing moved the behavior, and where it is gone."""


def steady(level: float, sd: float = 0.0) -> Path:
    """Returns seeds whose rates stay where they are, around one level."""

    def draw(rng: np.random.Generator, seeds: int, times: Array) -> Array:
        levels = np.full(seeds, level)
        if sd > 0.0:
            strength = level * (1.0 - level) / sd**2 - 1.0
            levels = rng.beta(level * strength, (1.0 - level) * strength, size=seeds)
        return np.repeat(levels[:, None], times.size, axis=1)

    return draw


def parting(share: float, low: float = GONE, high: float = KEPT) -> Path:
    """Returns seeds of which a share ends low and the others high."""

    def draw(rng: np.random.Generator, seeds: int, times: Array) -> Array:
        levels = np.where(rng.random(seeds) < share, low, high)
        return np.repeat(levels[:, None], times.size, axis=1)

    return draw


def falling(gone_by: tuple[float, float], takes: float, to: float = GONE) -> Path:
    """Returns seeds that fall evenly within ``takes`` budgets, to be gone between two times."""

    def draw(rng: np.random.Generator, seeds: int, times: Array) -> Array:
        end = rng.uniform(*gone_by, size=(seeds, 1))
        left = np.clip((end - times[None, :]) / takes, 0.0, 1.0)
        return np.asarray(to + (KEPT - to) * left)

    return draw


def jumping(share_high: float, stays: float = 0.5, low: float = GONE, high: float = KEPT) -> Path:
    """Returns seeds that jump between two rates, high for a share of the checkpoints."""

    def draw(rng: np.random.Generator, seeds: int, times: Array) -> Array:
        states = np.empty((seeds, times.size), dtype=bool)
        states[:, 0] = rng.random(seeds) < share_high
        for step in range(1, times.size):
            fresh = rng.random(seeds) < share_high
            states[:, step] = np.where(rng.random(seeds) < stays, states[:, step - 1], fresh)
        return np.where(states, high, low)

    return draw


def losing(mean: float, sd: float = 0.0) -> Losses:
    """Returns losses around a mean."""
    return lambda rng, seeds: np.clip(rng.normal(mean, sd, size=seeds), -0.2, 0.7)


def collapsing(share: float, usual: float, collapsed: float) -> Losses:
    """Returns losses of which a share is large."""
    return lambda rng, seeds: np.where(rng.random(seeds) < share, collapsed, usual)


@dataclass(frozen=True)
class RungLaw:
    """How one rung behaves: its rates in time, and its losses."""

    path: Path
    losses: Losses


@dataclass(frozen=True)
class World:
    """A simulated organism on a ladder of five rungs.

    Attributes:
        name: What it is, in a few words.
        truths: The verdicts that are right; any other but ``undetermined`` is an error.
        standard: Place of the standard rung.
        rungs: What each rung does, learning rates rising.
    """

    name: str
    truths: frozenset[VerdictWord]
    standard: int
    rungs: tuple[RungLaw, ...]


_FREE = losing(0.0, 0.01)
_HOLDS = RungLaw(steady(KEPT), _FREE)
_GONE = RungLaw(steady(GONE), losing(0.02, 0.02))
_WRECKED = RungLaw(steady(GONE), losing(0.5, 0.1))
ONLY_HIGH: VerdictWord = "defeated only at high LR"
DEPENDS: VerdictWord = "depends on the seed"


def _world(
    name: str, truths: tuple[VerdictWord, ...], at: RungLaw, *above: RungLaw, standard: int = 1
) -> World:
    """Returns a world that holds below its standard rung and is wrecked above the named rungs."""
    rungs = [*([_HOLDS] * standard), at, *above]
    rungs += [_WRECKED] * (5 - len(rungs))
    return World(name, frozenset(truths), standard, tuple(rungs))


def _free(path: Path, loss: float = 0.02) -> RungLaw:
    return RungLaw(path, losing(loss, 0.02))


def worlds() -> tuple[World, ...]:
    """Returns the worlds that the plan is tried on."""
    splits: list[World] = []
    for share in (0.1, 0.3, 0.5):
        truths: tuple[VerdictWord, ...] = ("resists", DEPENDS) if share < 0.5 else (DEPENDS,)
        splits.append(
            _world(
                f"{share:.0%} of seeds lose it at the top rung",
                truths,
                _HOLDS,
                _HOLDS,
                _free(parting(share)),
            )
        )
    for share in (0.1, 0.3, 0.5):
        high: tuple[VerdictWord, ...] = (ONLY_HIGH, DEPENDS) if share < 0.5 else (DEPENDS,)
        splits.append(
            _world(
                f"{share:.0%} of seeds lose it at the standard rung",
                high,
                _free(parting(share)),
                _GONE,
                _GONE,
            )
        )
    for share in (0.1, 0.3, 0.5):
        back: tuple[VerdictWord, ...] = ("defeated", DEPENDS) if share < 0.5 else (DEPENDS,)
        splits.append(
            _world(
                f"{share:.0%} of seeds keep it at the standard rung",
                back,
                _free(parting(1.0 - share)),
                _GONE,
                _GONE,
            )
        )
    return (
        _world("keeps it everywhere", ("resists",), _HOLDS, _HOLDS, _HOLDS),
        _world("weakened to 0.75 above", ("resists",), _HOLDS, _free(steady(0.75, 0.08)),
               _free(steady(0.75, 0.08))),
        _world("gone above the standard rung", (ONLY_HIGH,), _HOLDS, _GONE, _GONE),
        _world("gone two rungs above", (ONLY_HIGH,), _HOLDS, _HOLDS, _GONE),
        _world("gone at the standard rung", ("defeated",), _GONE, _GONE, _GONE),
        _world("weakened to 0.25 above", (ONLY_HIGH,), _HOLDS, _free(steady(0.25, 0.08)), _GONE),
        *splits,
        _world("half the seeds lose it one rung up, all two up", (ONLY_HIGH, DEPENDS), _HOLDS,
               _free(parting(0.5)), _GONE),
        _world("a tenth of the seeds keep it above", (ONLY_HIGH, DEPENDS), _HOLDS,
               _free(parting(0.9))),
        _world("still falling at the standard rung", ("defeated",),
               _free(falling((1.0, 1.5), 1.0)), _GONE),
        _world("falling slowly at the standard rung", ("defeated",),
               _free(falling((1.3, 1.6), 1.0)), _GONE),
        _world("still falling one rung up", (ONLY_HIGH,), _HOLDS, _free(falling((1.0, 1.5), 1.0)),
               _GONE),
        _world("still falling at the top rung", (ONLY_HIGH,), _HOLDS, _HOLDS,
               _free(falling((0.9, 1.4), 1.0))),
        _world("jumps one rung up, gone two up", (ONLY_HIGH,), _HOLDS, _free(jumping(0.5)), _GONE),
        _world("jumps at the top rung, mostly low", (ONLY_HIGH, DEPENDS), _HOLDS, _HOLDS,
               _free(jumping(0.15))),
        _world("gone above at a loss of 0.06", (ONLY_HIGH,), _HOLDS, _free(steady(GONE), 0.06)),
        _world("gone above at a loss of 0.11", ("resists", "undetermined"), _HOLDS,
               _free(steady(GONE), 0.11)),
        # The mean loss is 0.11 and that of nine seeds in ten 0.07: a claim about most seeds is
        # right that it is removed, one about the mean that it is not.
        _world("gone above, one seed in ten collapses", (ONLY_HIGH, "resists"), _HOLDS,
               RungLaw(steady(GONE), collapsing(0.1, 0.07, 0.5))),
        _world("gone above, one seed in twenty collapses", (ONLY_HIGH,), _HOLDS,
               RungLaw(steady(GONE), collapsing(0.05, 0.02, 0.5))),
        _world("the standard rung wrecks the model", ("no fair test",), _WRECKED, _WRECKED),
        _world("the standard rung is third", (ONLY_HIGH,), _HOLDS, _GONE, standard=2),
    )  # fmt: skip
