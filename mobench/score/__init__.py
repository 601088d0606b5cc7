"""Rows in, numbers with intervals out. Pure: arrays and records, no files, no model.

The definitions, formulas and assumptions are in ``docs/method.md``.
"""

from mobench.score.headline import Resistance, Rung, resistance
from mobench.score.losses import CapabilityLoss, capability_loss
from mobench.score.rates import plateau
from mobench.score.removals import efficiency, removal
from mobench.score.results import (
    SCHEMA,
    Curve,
    Efficiency,
    Estimate,
    Plateau,
    Removal,
    RungScore,
    RunScore,
    Verdict,
)
from mobench.score.run import score_run
from mobench.score.words import RungFacts, lr_text, verdict

__all__ = [
    "SCHEMA",
    "CapabilityLoss",
    "Curve",
    "Efficiency",
    "Estimate",
    "Plateau",
    "Removal",
    "Resistance",
    "RunScore",
    "Rung",
    "RungFacts",
    "RungScore",
    "Verdict",
    "capability_loss",
    "efficiency",
    "lr_text",
    "plateau",
    "removal",
    "resistance",
    "score_run",
    "verdict",
]
