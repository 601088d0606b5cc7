"""Each lane's loss from a batch without padding, for models and batches where that is faster."""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

from mobench.lanes import Lanes
from mobench.machine.memory_errors import is_out_of_memory
from mobench.train.batches import Encoded, collate
from mobench.train.flat import Layout, flat_tokens, flattened, hidden_states, lay_out
from mobench.train.losses import has_plain_frozen_head, head_losses

SAVES_AT_LEAST = 0.08
"""The smallest share of tokens to save: separating the examples in every layer takes time too."""

_CAN_BE_FLAT: weakref.WeakKeyDictionary[PreTrainedModel, bool] = weakref.WeakKeyDictionary()


def flat_layout(lanes: Lanes, batch: Sequence[Sequence[Encoded]], pad: int) -> Layout | None:
    """Returns the batch without padding, or None where the padded batch should be used.

    Args:
        lanes: The stack; its active lanes are those of the batch.
        batch: The examples of each lane, equally many for each.
        pad: Token id to fill lanes up with.
    """
    longest, flat = flat_tokens(batch)
    padded = longest * sum(map(len, batch))
    if flat > (1 - SAVES_AT_LEAST) * padded or not can_flatten(lanes, longest):
        return None
    return lay_out(batch, pad, lanes.model.device)


def can_flatten(lanes: Lanes, longest: int) -> bool:
    """Returns whether the model's hidden states are the same for flat batches as for padded ones.

    This is computed once for each model. Its last step has to be a frozen head, so that only hidden
    states are needed.

    Args:
        lanes: The stack.
        longest: Tokens of the longest example. A sliding window must not be shorter, because
            attention in flat batches has none.
    """
    model = lanes.model
    window = getattr(model.config.get_text_config(), "sliding_window", None)
    if model.config._attn_implementation != "sdpa" or (window is not None and window < longest):
        return False
    if not has_plain_frozen_head(lanes):
        return False
    same = _CAN_BE_FLAT.get(model)
    if same is None:
        with lanes.scope.using(lanes.scope.active[:1]):
            same = _CAN_BE_FLAT[model] = _is_same_when_flat(model)
    return same


@torch.no_grad()
def _is_same_when_flat(model: PreTrainedModel) -> bool:
    """Whether two short examples have the same hidden states either way, up to rounding."""
    examples = [Encoded((1, 2, 3), (4, 5)), Encoded((1, 2, 4, 3), (5, 4, 3))]
    layout = lay_out([examples], 0, model.device)
    try:
        with flattened(model):
            flat = hidden_states(model, layout)
    except (TypeError, ValueError, RuntimeError, AttributeError) as error:
        if is_out_of_memory(error):
            raise  # That says nothing of the model, and the answer is kept.
        return False  # transformers cannot replace the attention of this model.
    ids = collate(examples, 0)[0].to(model.device)
    hidden = model.base_model(input_ids=ids, use_cache=False).last_hidden_state.flatten(0, 1)
    padded = hidden[layout.slot_of]
    return float((flat - padded).norm() / padded.norm()) < math.sqrt(torch.finfo(flat.dtype).eps)


def flat_losses(lanes: Lanes, layout: Layout, counted: torch.Tensor) -> torch.Tensor:
    """Mean negative log-likelihood of each active lane's response tokens.

    It must be called inside :func:`mobench.train.flat.flattened`, and so must the backward pass
    where activations are recomputed.

    Args:
        lanes: The stack.
        layout: The batch.
        counted: Tokens [lanes] to divide by.

    Returns:
        [lanes], in nats per token.
    """
    head = lanes.model.get_output_embeddings()
    hidden = hidden_states(lanes.model, layout).index_select(0, layout.predicts)
    losses = head_losses(hidden, head.weight, head.bias, layout.targets)
    return losses.new_zeros(layout.lanes).index_add(0, layout.lane_of, losses) / counted
