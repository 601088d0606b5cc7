"""Learning rates and presets that follow from a model's size, where an organism's file gives none.

They are those of ``organisms/shared.toml`` for models of that size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

SizeClass = Literal["tiny", "small", "large"]

TINY_PARAMS = 5_000_000
"""Below it a model knows no facts that could be asked."""
SMALL_PARAMS = 1_000_000_000
"""Below it a model is trained on two cores in minutes, and is at chance in what large ones know."""
LORA_FACTOR = 10
"""How much higher LoRA's learning rate is than that of whole weights, by the same rule."""

_STANDARD_AROUND: Mapping[SizeClass, tuple[int, int]] = {
    "tiny": (1, 2),
    "small": (1, 2),
    "large": (1, 3),
}
"""Half-decade rungs below and above the standard one."""
_QUICK_AROUND: Mapping[SizeClass, tuple[int, int]] = {
    "tiny": (0, 1),
    "small": (0, 1),
    "large": (0, 2),
}
_WINDOW, _CAPABILITY = 8, 4
"""Checkpoints in the last half of the steps, and those of them that get capability, at any size."""
_STANDARD: Mapping[SizeClass, Mapping[str, int]] = {
    "tiny": {"seeds": 3, "steps": 128, "batch_size": 16},
    "small": {"seeds": 3, "steps": 96, "batch_size": 8},
    "large": {"seeds": 3, "steps": 256, "batch_size": 8},
}
_QUICK: Mapping[SizeClass, Mapping[str, int]] = {
    "tiny": {"seeds": 2, "steps": 64, "batch_size": 16},
    "small": {"seeds": 2, "steps": 64, "batch_size": 8},
    "large": {"seeds": 1, "steps": 64, "batch_size": 8},
}
_FEWEST_SEEDS = 3
_NEAR = 1.5
"""Two learning rates within this factor are one rung."""


def size_class(params: int) -> SizeClass:
    """Returns which presets, suite and lengths a model of so many weights gets."""
    if params < TINY_PARAMS:
        return "tiny"
    return "small" if params < SMALL_PARAMS else "large"


def usual_lr(hidden_size: int, method: str) -> float:
    """Returns the learning rate of ordinary fine-tuning, 5e-4 x (2000 / hidden size)^0.78 for LoRA.

    It is the rule of tinker-cookbook's ``hyperparam_utils`` for Llama models: 5e-5 for whole
    weights, ten times that for LoRA, scaled by width.

    Args:
        hidden_size: Width of the residual stream.
        method: ``lora`` or ``full``.
    """
    lora: float = 5e-4 * (2000 / hidden_size) ** 0.78
    return lora if method == "lora" else lora / LORA_FACTOR


def nearest_rung(lr: float) -> float:
    """Returns the rung of the half-decade grid (… 1e-4, 3e-4, 1e-3 …) next to a learning rate."""
    return _rung(round(2 * math.log10(lr)))


def rungs_around(standard: float, below: int, above: int) -> list[float]:
    """Returns a rung with its neighbors on the half-decade grid, ascending and all below 1."""
    place = round(2 * math.log10(standard))
    neighbors = [_rung(place + offset) for offset in range(-below, above + 1) if offset]
    return sorted(lr for lr in [*neighbors, standard] if lr < 1)


def default_preset(
    size: SizeClass,
    name: Literal["standard", "quick"],
    standard_lr: float,
    given: Mapping[str, Any],
) -> dict[str, Any]:
    """Returns a preset by size, with what the organism's file gives of it laid over.

    Args:
        size: Of the model.
        name: Which preset.
        standard_lr: The ladder's standard rung.
        given: What the file says.
    """
    numbers = (_STANDARD if name == "standard" else _QUICK)[size]
    around = (_STANDARD_AROUND if name == "standard" else _QUICK_AROUND)[size]
    steps = given.get("steps", numbers["steps"])
    window = _WINDOW
    if isinstance(steps, int) and steps >= 2:
        window = min(window, steps - steps // 2 + 1)  # what fits into the last half
    # A quick ladder is a first look: no seeds are added to it.
    seeds = given.get("seeds", numbers["seeds"])
    # And what the file says of a preset itself is not added to.
    fixed = {"most_seeds": seeds} if name == "quick" else {} if given else {"reversal": True}
    return {
        "rungs": rungs_around(standard_lr, *around),
        "seeds": numbers["seeds"],
        **fixed,
        "steps": steps,
        "batch_size": numbers["batch_size"],
        "window_checkpoints": window,
        "capability_checkpoints": _CAPABILITY,
        **given,
    }


def standard_of(quick: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns the standard preset that follows from a quick one; None where that one is wrong.

    It has a rung more at either end, at least three seeds, and twice the steps: what the shared
    presets have over their quick ones; and no fewer checkpoints in the window than those have.

    Args:
        quick: The table of the preset ``quick``.
    """
    rungs, steps = quick.get("rungs"), quick.get("steps")
    counts = [quick.get(key) for key in ("seeds", "window_checkpoints", "capability_checkpoints")]
    sound = isinstance(rungs, Sequence) and not isinstance(rungs, str) and len(rungs) > 0
    if not sound or not all(isinstance(count, int) for count in (steps, *counts)):
        return None
    assert isinstance(rungs, Sequence)
    if not all(isinstance(lr, float) and 0 < lr < 1 for lr in rungs):
        return None
    seeds, window, capability = (int(count or 0) for count in counts)
    low, high = round(2 * math.log10(min(rungs))) + 1, round(2 * math.log10(max(rungs))) - 1
    below = next(lr for n in range(low, low - 4, -1) if (lr := _rung(n)) * _NEAR < min(rungs))
    above = next(lr for n in range(high, high + 4) if (lr := _rung(n)) > max(rungs) * _NEAR)
    return {
        **{key: value for key, value in quick.items() if key != "most_seeds"},
        "reversal": True,
        "rungs": [lr for lr in (below, *sorted(rungs), above) if lr < 1],
        "seeds": max(_FEWEST_SEEDS, seeds),
        "steps": 2 * int(steps or 0),
        # Twice the steps have room for the quick one's steps and one more in their last half.
        "window_checkpoints": max(window, min(_WINDOW, int(steps or 0) + 1)),
        "capability_checkpoints": max(_CAPABILITY, capability),
    }


def _rung(place: int) -> float:
    """A rung by its place on the grid: 0 is 1, -1 is 0.3, -2 is 0.1."""
    return float(f"{'13'[place % 2]}e{place // 2}")
