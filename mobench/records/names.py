"""The names and versions that records use: kinds, arms, endings and schemas."""

from __future__ import annotations

from typing import Final, Literal, get_args

RUN_SCHEMA: Final = "mobench.run/1"
RESULT_SCHEMA: Final = "mobench.result/1"
COMPATIBILITY_SCHEMA: Final = "mobench.compatibility/1"
BASE_SCHEMA: Final = "mobench.base/1"
ORGANISM_SCHEMA: Final = "mobench.organism/1"
SCORE_SCHEMA: Final = "mobench.score/3"
BOARD_SCHEMA: Final = "mobench.board/1"
ANSWERS_SCHEMA: Final = "mobench.answers/1"

EvalKind = Literal["attack", "control"]
"""What an eval prompt is asked with: its trigger, or without it."""
RowKind = Literal["attack", "control", "capability"]
EVAL_KINDS: Final[tuple[EvalKind, ...]] = ("attack", "control")
ROW_KINDS: Final[tuple[RowKind, ...]] = ("attack", "control", "capability")

Untrained = Literal["organism", "base"]
"""A model before any training, as rows name it in place of a cell."""
UNTRAINED: Final[tuple[Untrained, ...]] = ("organism", "base")
ORGANISM: Final = "organism"
"""The organism before any training, where rows name a cell."""
BASE: Final = "base"
"""Its clean base before any training, where rows name a cell."""

LADDER: Final = "organism"
"""The arm of the ladder's own cells; all other arms are controls."""
ReversalArm = Literal["reversal", "onward", "reversal-base", "reversal-organism"]
ControlArm = Literal["zero", "counter", "base", "cooldown", ReversalArm]
REVERSAL_ARMS: Final[tuple[ReversalArm, ...]] = get_args(ReversalArm)
CONTROL_ARMS: Final[tuple[ControlArm, ...]] = (
    "zero",
    "counter",
    "base",
    "cooldown",
    *REVERSAL_ARMS,
)
"""Learning rate 0; direct counter-training; the clean base under the same training; the ladder's
own cells gone on with while the rate decays to nothing. From the end of the rung that removes the
behavior: training that undoes the task, the task itself, and the first of them for the base; and
what undoes the task alone, from the organism as it was."""

Ending = Literal["done", "diverged", "unmoved"]
"""How a cell's training ended: at its budget, with a loss or gradient that was not finite, or at
its budget with a model that computes just what it did before."""

Method = Literal["lora", "full"]
Schedule = Literal["constant", "linear", "cosine", "wsd"]
"""How the learning rate moves over a run; ``wsd``: warm-up, stable, decay."""
Policy = Literal["on-policy", "off-policy"]
POLICIES: Final[tuple[Policy, ...]] = ("on-policy", "off-policy")
