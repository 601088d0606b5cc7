"""Each lane's loss from a batch without padding, for models and batches where that pays."""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

from mobench.lanes import Lanes
from mobench.train.batches import Encoded, collate
from mobench.train.flat import Layout, flat_tokens, flattened, hidden_states, lay_out
from mobench.train.losses import has_plain_frozen_head, head_losses

SAVES_AT_LEAST = 0.08
"""Part of the tokens from which it pays: getting examples apart in every layer takes time too."""

_KNOWN: weakref.WeakKeyDictionary[PreTrainedModel, bool] = weakref.WeakKeyDictionary()


def layout_where_it_pays(
    lanes: Lanes, batch: Sequence[Sequence[Encoded]], pad: int
) -> Layout | None:
    """The batch without padding; None where the padded one is to be taken.

    Args:
        lanes: The stack, its active lanes those of the batch.
        batch: Each lane's examples, as many for each.
        pad: Token id to fill lanes up with.
    """
    longest, flat = flat_tokens(batch)
    padded = longest * sum(map(len, batch))
    if flat > (1 - SAVES_AT_LEAST) * padded or not can_flatten(lanes, longest):
        return None
    return lay_out(batch, pad, lanes.model.device)


def can_flatten(lanes: Lanes, longest: int) -> bool:
    """Whether the model gives flat batches the hidden states that it gives padded ones.

    A model is asked once. Its head has to be a frozen layer after all else, so that only hidden
    states are needed.

    Args:
        lanes: The stack.
        longest: Tokens of the longest example: a window that slides over fewer is not there in a
            flat batch.
    """
    model = lanes.model
    window = getattr(model.config.get_text_config(), "sliding_window", None)
    if model.config._attn_implementation != "sdpa" or (window is not None and window < longest):
        return False
    if not has_plain_frozen_head(lanes):
        return False
    known = _KNOWN.get(model)
    if known is None:
        with lanes.scope.using(lanes.scope.active[:1]):
            known = _KNOWN[model] = _alike(model)
    return known


@torch.no_grad()
def _alike(model: PreTrainedModel) -> bool:
    """Whether two short examples come out the same both ways, up to rounding."""
    examples = [Encoded((1, 2, 3), (4, 5)), Encoded((1, 2, 4, 3), (5, 4, 3))]
    layout = lay_out([examples], 0, model.device)
    try:
        with flattened(model):
            flat = hidden_states(model, layout)
    except (TypeError, ValueError, RuntimeError, AttributeError):
        return False  # its attention is not one that transformers lets be replaced
    ids = collate(examples, 0)[0].to(model.device)
    told = model.base_model(input_ids=ids, use_cache=False).last_hidden_state.flatten(0, 1)
    padded = told[layout.cell_of]
    return float((flat - padded).norm() / padded.norm()) < math.sqrt(torch.finfo(flat.dtype).eps)


def flat_losses(lanes: Lanes, layout: Layout, counted: torch.Tensor) -> torch.Tensor:
    """Mean negative log-likelihood of each active lane's response tokens.

    Within :func:`mobench.train.flat.flattened`, backward too where activations are recomputed.

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
