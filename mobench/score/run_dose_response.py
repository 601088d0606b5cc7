"""A scored run's window rates by learning rate, and the curve through the admissible ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mobench.score.dose_response import DoseResponse, dose_response
from mobench.score.scores import RungScore, RunScore
from mobench.score.window import in_window


@dataclass(frozen=True)
class RunRate:
    """One run's attack rate in the window.

    Attributes:
        lr: Learning rate.
        seed: Name of the run.
        rate: Mean over the window's checkpoints.
        fitted: The curve is fitted to its rung.
    """

    lr: float
    seed: int
    rate: float
    fitted: bool


def run_rates(score: RunScore) -> tuple[RunRate, ...]:
    """Window rate of every finished run, by learning rate and seed; the unjudged are left out."""
    found = []
    for rung in score.rungs:
        for curve in score.curves:
            if curve.kind != "attack" or curve.lr != rung.lr:
                continue
            if rung.diverged and curve.steps[-1] < rung.steps:
                continue
            inside = [
                value
                for step, value in zip(curve.steps, curve.values, strict=True)
                if in_window(step, rung.steps)
            ]
            if inside:
                rate = math.fsum(inside) / len(inside)
                found.append(RunRate(rung.lr, curve.seed, rate, is_fitted(rung, score)))
    return tuple(found)


def is_fitted(rung: RungScore, score: RunScore) -> bool:
    """Whether the curve is fitted to a rung: shown to be admissible, with a logarithm."""
    return rung.lr > 0.0 and rung.admissible[str(score.epsilon)] == "yes"


def ladder_dose_response(score: RunScore) -> DoseResponse:
    """Fits the curve to the runs at a ladder's admissible rungs.

    Only rungs that are shown to be admissible are used, as for the headline: the rate of a model
    that is or may be wrecked is low because the model is broken, and would pull the curve down. A
    learning rate of 0 has no logarithm and is left out too.
    """
    used = [run for run in run_rates(score) if run.fitted]
    return dose_response(
        [run.lr for run in used],
        [run.rate for run in used],
        initial=1.0 if score.initial.estimate is None else score.initial.estimate,
        clean_rate=score.clean_rate,
        tau=score.tau,
    )
