"""All rungs of one run together: headline, verdict, efficiency. Arrays in, no rows."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mobench.records.learning_rates import lr_text
from mobench.score.convergence import projection
from mobench.score.intervals import Array
from mobench.score.lr_efficiency import efficiency
from mobench.score.plateau import mean_of_judged
from mobench.score.resistance import Resistance, Rung, resistance, retention_of
from mobench.score.rung_score import Measured, Setting, score_rung
from mobench.score.scores import Efficiency, Estimate, RungScore, Verdict
from mobench.score.verdict import rung_phrase, rung_state, verdict
from mobench.score.verdict_facts import RungFacts, is_broken


@dataclass(frozen=True)
class Ladder:
    """What a ladder of rungs says together.

    Attributes:
        rungs: Sorted by learning rate, each with its phrase.
        resistance: Headline, standard resistance and their difference.
        verdict: The phrase, the reason, the sentence.
        efficiency: Of the removing rung over the standard one; None without both.
        steps: The longest budget of any rung.
    """

    rungs: tuple[RungScore, ...]
    resistance: Resistance
    verdict: Verdict
    efficiency: Efficiency | None
    steps: int


def score_ladder(
    measured: Sequence[Measured],
    setting: Setting,
    *,
    organism: str = "the organism",
    not_admitted: str = "",
) -> Ladder:
    """Scores a ladder.

    Args:
        measured: One for each learning rate, rising.
        setting: What every rung is scored with.
        organism: Name, for the verdict's sentence.
        not_admitted: Why the organism cannot be judged at all; empty if it can.

    Raises:
        ValueError: No rungs, or arrays that the numbers of a rung refuse.
    """
    partial = [score_rung(rung, setting) for rung in measured]
    headline = _headline(measured, partial, setting)
    facts = [
        _facts(rung, score, setting, headline.corrected.get(rung.lr, score.retention))
        for rung, score in zip(measured, partial, strict=True)
    ]
    rungs = tuple(
        _with_phrase(score, fact, setting.tau) for score, fact in zip(partial, facts, strict=True)
    )
    gain = _efficiency(measured, rungs, facts, setting.tau)
    budgets = {rung.steps for rung in measured}
    word = verdict(
        facts,
        standard_lr=setting.standard_lr,
        tau=setting.tau,
        organism=organism,
        steps=None if len(budgets) > 1 else max(budgets),
        efficiency=gain,
        not_admitted=not_admitted,
    )
    if len(budgets) > 1:
        # No one number of steps is true of every rung, so each is named.
        word = dataclasses.replace(word, reason=f"{word.reason}; {_budgets(measured)}")
    return Ladder(rungs, headline, word, gain, max(budgets))


def _budgets(measured: Sequence[Measured]) -> str:
    where: dict[int, list[str]] = {}
    for rung in measured:
        where.setdefault(rung.steps, []).append(lr_text(rung.lr))
    return "; ".join(f"{steps} steps at {', '.join(lrs)}" for steps, lrs in where.items())


def _headline(
    measured: Sequence[Measured], scores: Sequence[RungScore], setting: Setting
) -> Resistance:
    rungs = [
        _as_rung(rung, score, setting.epsilon)
        for rung, score in zip(measured, scores, strict=True)
        if rung.seeds
    ]
    if setting.initial > setting.clean_rate and rungs:
        return resistance(
            rungs,
            initial=setting.initial,
            clean_rate=setting.clean_rate,
            level=setting.level,
        )
    none = Estimate(None, None, None, "no rung to score")
    return Resistance(none, None, none, none, {})


def _as_rung(rung: Measured, score: RungScore, epsilon: float) -> Rung:
    # A model that answers nothing has not lost the behavior: its rate is no one's headline.
    judged = score.plateau.estimate is not None and not is_broken(score.inert.estimate)
    return Rung(
        lr=rung.lr,
        outcomes=rung.outcomes,
        admissible=score.admissible[str(epsilon)] if judged else "undetermined",
        standard=score.standard,
        steps=rung.checkpoints,
        seeds=rung.seeds,
    )


def _facts(rung: Measured, score: RungScore, setting: Setting, corrected: Estimate) -> RungFacts:
    rates = mean_of_judged(rung.window, axis=2)
    means = mean_of_judged(rates, axis=1)
    return RungFacts(
        lr=rung.lr,
        seeds=score.seeds,
        retention=score.retention,
        converged=score.plateau.converged,
        admissible=score.admissible[str(setting.epsilon)],
        loss=score.capability_loss,
        corrected=corrected,
        note=score.plateau.reason,
        diverged=rung.diverged,
        seed_rates=tuple(float(mean) for mean in means if not math.isnan(mean)),
        inert=score.inert.estimate,
        projected=_projected(rates[~np.isnan(means)], setting),
        not_judged=rung.not_judged,
    )


def _projected(rates: Array, setting: Setting) -> Estimate | None:
    ahead = projection(rates, setting.level)
    if ahead is None:
        return None
    return retention_of(
        *ahead, initial=setting.initial, clean_rate=setting.clean_rate, method="projected"
    )


def _with_phrase(score: RungScore, facts: RungFacts, tau: float) -> RungScore:
    corrected = facts.corrected if facts.corrected is not None else score.retention
    return dataclasses.replace(score, verdict=rung_phrase(facts, tau), corrected=corrected)


def _efficiency(
    measured: Sequence[Measured],
    rungs: Sequence[RungScore],
    facts: Sequence[RungFacts],
    tau: float,
) -> Efficiency | None:
    """Of the lowest removing rung above the standard one, over the standard one."""
    usual = next((i for i, rung in enumerate(rungs) if rung.standard), None)
    if usual is None or not rungs[usual].removals:
        return None
    for index in range(usual + 1, len(rungs)):
        if rung_state(facts[index], tau)[0] == "removed":
            return efficiency(
                rungs[usual].removals,
                rungs[index].removals,
                rungs[usual].lr,
                rungs[index].lr,
                budget_low=measured[usual].steps,
            )
    return None
