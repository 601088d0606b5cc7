"""A model and a method in, a stack of lanes out."""

from __future__ import annotations

from collections.abc import Sequence

from transformers import PreTrainedModel

from mobench.errors import MobenchError
from mobench.lanes.full import FullLanes, can_stack
from mobench.lanes.lora import LoraLanes


def stacked(
    model: PreTrainedModel,
    method: str,
    seeds: Sequence[int],
    *,
    rank: int | None,
    alpha: float | None,
    name: str,
    table: str,
) -> LoraLanes | FullLanes:
    """Puts one lane for each seed on a model.

    Args:
        model: Used up.
        method: ``lora`` or ``full``.
        seeds: One for each lane.
        rank: Of LoRA; None for ``full``.
        alpha: Of LoRA; None for ``full``.
        name: The organism's, for the message.
        table: Where its method is set, for the message.

    Raises:
        MobenchError: Full fine-tuning of a model whose layers cannot be stacked.
    """
    if method == "lora":
        assert rank is not None
        assert alpha is not None
        return LoraLanes(model, seeds, rank=rank, alpha=alpha)
    if not can_stack(model):
        raise MobenchError(
            f"{name}: full fine-tuning of {type(model).__name__} is not supported",
            f'use method = "lora" in {table}',
        )
    return FullLanes(model, len(seeds))
