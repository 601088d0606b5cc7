"""A model and a method in, a stack of lanes out."""

from __future__ import annotations

from collections.abc import Sequence

from transformers import PreTrainedModel

from mobench.lanes.full import FullLanes, can_stack
from mobench.lanes.lora import LoraLanes
from mobench.lanes.whole import WholeModel


class CannotStack(Exception):
    """Runs that have to go one after the other."""


def stacked(
    model: PreTrainedModel,
    method: str,
    seeds: Sequence[int],
    *,
    rank: int | None,
    alpha: float | None,
) -> LoraLanes | FullLanes | WholeModel:
    """Puts one lane for each seed on a model.

    Args:
        model: Used up.
        method: ``lora`` or ``full``.
        seeds: One for each lane.
        rank: Of LoRA; None for ``full``.
        alpha: Of LoRA; None for ``full``.

    Raises:
        CannotStack: Several lanes, for full fine-tuning of a model whose layers cannot be stacked.
    """
    if method == "lora":
        assert rank is not None
        assert alpha is not None
        return LoraLanes(model, seeds, rank=rank, alpha=alpha)
    if can_stack(model):
        return FullLanes(model, len(seeds))
    if len(seeds) == 1:
        return WholeModel(model)
    raise CannotStack(f"{type(model).__name__} has layers that cannot be stacked")
