"""Rows in, numbers with intervals out. Pure: arrays and records, no files, no model.

The definitions, formulas and assumptions are in ``docs/method.md``.
"""

from mobench.score.capability_loss import CapabilityLoss, capability_loss
from mobench.score.estimate import Estimate
from mobench.score.lr_efficiency import efficiency
from mobench.score.plateau import plateau
from mobench.score.ranks import RankRange, rank_ranges
from mobench.score.removal_step import removal
from mobench.score.resistance import Resistance, Rung, resistance
from mobench.score.reversal_scores import Reversal
from mobench.score.run_score import score_run
from mobench.score.rung_summary import RungSummary
from mobench.score.scores import (
    Control,
    Curve,
    Efficiency,
    Plateau,
    Removal,
    RungScore,
    RunScore,
    Verdict,
)
from mobench.score.verdict import verdict

__all__ = [
    "CapabilityLoss",
    "Control",
    "Curve",
    "Efficiency",
    "Estimate",
    "Plateau",
    "RankRange",
    "Removal",
    "Resistance",
    "Reversal",
    "RunScore",
    "Rung",
    "RungScore",
    "RungSummary",
    "Verdict",
    "capability_loss",
    "efficiency",
    "plateau",
    "rank_ranges",
    "removal",
    "resistance",
    "score_run",
    "verdict",
]
