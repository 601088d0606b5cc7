"""Token by token for all lanes at once, without work that changes no answer.

``transformers``' own ``generate`` computes a prompt's beginning again for each row, and goes on
with a row that has ended until the last one has. Here the tokens that all prompts begin with are
computed once for each lane, and rows leave the batch when they have ended or when the caller says
that nothing which follows matters.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from transformers import DynamicCache

from mobench.decode.sampling import GREEDY, Sampling
from mobench.lanes import Scope

SHARED_AT_LEAST = 8
"""Tokens in common from which a pass of their own pays."""
SHRINK_AT = 0.75
"""Rows are taken out when no more than this share of the batch would stay: doing so copies."""


@torch.inference_mode()
def decode(
    model: Any,
    prompts: Sequence[Sequence[int]],
    *,
    pad: int,
    eos: int,
    max_new_tokens: int,
    scope: Scope | None = None,
    names: Sequence[Sequence[str]] | None = None,
    sampling: Sampling = GREEDY,
    settled: Callable[[Sequence[int]], bool] | None = None,
    share_prefix: bool = True,
) -> list[list[list[int]]]:
    """Answers every prompt once for each active lane.

    Args:
        model: A Hugging Face causal LM with a dynamic key-value cache.
        prompts: Token ids of each prompt, none of them empty.
        pad: Token id to pad with.
        eos: Token id that ends an answer.
        max_new_tokens: Length at which an answer is cut.
        scope: The lanes on the model; None for a plain model, which is one lane.
        names: [lanes][prompts], by which draws are told apart; not used when greedy.
        sampling: How a token is chosen.
        settled: Told an answer's tokens so far, says whether the rest does not matter. The answer
            is cut there.
        share_prefix: Whether the common beginning is computed once for each lane.

    Returns:
        Token ids [lanes][prompts][tokens], without the ending token.
    """
    lanes = 1 if scope is None else len(scope.active)
    each = len(prompts)
    told: list[list[int]] = [[] for _ in range(lanes * each)]
    ended = [False] * (lanes * each)
    named = [name for lane in names for name in lane] if names else [""] * (lanes * each)
    batch = list(range(lanes * each))
    taking = _parameters(model)
    logits, cache, mask = _read(model, prompts, lanes, pad, taking, share_prefix=share_prefix)
    for place in range(max_new_tokens):
        chosen = sampling.choose(logits, [named[row] for row in batch], place)
        for row, token in zip(batch, chosen.tolist(), strict=True):
            if ended[row]:
                continue
            if token != eos:
                told[row].append(token)
            ended[row] = token == eos or (settled is not None and settled(told[row]))
        if place == max_new_tokens - 1 or all(ended[row] for row in batch):
            break
        kept = _staying(batch, ended, each)
        if len(kept) <= SHRINK_AT * len(batch):
            index = torch.tensor(kept, device=mask.device)
            cache.batch_select_indices(index)
            chosen, mask = chosen[index], mask[index]
            batch = [batch[n] for n in kept]
        mask = torch.cat([mask, mask.new_ones(len(batch), 1)], dim=1)
        with _only(scope, batch, each):
            logits = _step(model, chosen[:, None], cache, mask, taking)
    return [told[lane * each : (lane + 1) * each] for lane in range(lanes)]


def _read(
    model: Any,
    prompts: Sequence[Sequence[int]],
    lanes: int,
    pad: int,
    taking: frozenset[str],
    *,
    share_prefix: bool,
) -> tuple[torch.Tensor, DynamicCache, torch.Tensor]:
    """Reads all prompts: the last logits [rows, vocabulary], the cache, the mask [rows, tokens]."""
    each = len(prompts)
    cache = DynamicCache(config=model.config)
    common = _common_prefix(prompts) if share_prefix and each > 1 else 0
    # Padding between the beginning and the rest would fill a window that slides over the tokens.
    if common < SHARED_AT_LEAST or any(cache.is_sliding):
        common = 0
    if common:
        shared = torch.tensor([list(prompts[0][:common])] * lanes, device=model.device)
        _step(model, shared, cache, torch.ones_like(shared), taking)
        cache.batch_repeat_interleave(each)
    ids, mask = left_pad([prompt[common:] for prompt in prompts], pad)
    ids, mask = ids.repeat(lanes, 1).to(model.device), mask.repeat(lanes, 1).to(model.device)
    mask = torch.cat([mask.new_ones(len(mask), common), mask], dim=1)
    return _step(model, ids, cache, mask, taking), cache, mask


def _step(
    model: Any,
    ids: torch.Tensor,
    cache: DynamicCache,
    mask: torch.Tensor,
    taking: frozenset[str],
) -> torch.Tensor:
    """One forward pass over new tokens [rows, new]; returns the last logits [rows, vocabulary]."""
    extra: dict[str, Any] = {}
    if "position_ids" in taking:
        # Padding has no place of its own: a prompt's first token is at 0 wherever it stands.
        extra["position_ids"] = (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
    if "logits_to_keep" in taking:
        extra["logits_to_keep"] = 1
    output = model(
        input_ids=ids, attention_mask=mask, past_key_values=cache, use_cache=True, **extra
    )
    last: torch.Tensor = output.logits[:, -1]
    return last


def _parameters(model: Any) -> frozenset[str]:
    return frozenset(inspect.signature(model.forward).parameters)


def _common_prefix(prompts: Sequence[Sequence[int]]) -> int:
    """Tokens that all prompts begin with, at least one of each left over."""
    low, high = min(map(tuple, prompts)), max(map(tuple, prompts))  # all others lie between
    most = min(map(len, prompts)) - 1
    return next((n for n in range(most) if low[n] != high[n]), most)


def _staying(batch: Sequence[int], ended: Sequence[bool], each: int) -> list[int]:
    """Which places of the batch stay, as many for each lane that has a row to go on with.

    Layers with lanes want the rows shared out evenly; a lane with fewer rows keeps ended ones.
    """
    by_lane: dict[int, list[int]] = {}
    for place, row in enumerate(batch):
        by_lane.setdefault(row // each, []).append(place)
    going = {
        lane: [place for place in places if not ended[batch[place]]]
        for lane, places in by_lane.items()
    }
    most = max(map(len, going.values()))
    kept = []
    for lane, places in going.items():
        if places:
            fill = [place for place in by_lane[lane] if ended[batch[place]]]
            kept += [*places, *fill[: most - len(places)]]
    return kept


def _only(scope: Scope | None, batch: Sequence[int], each: int) -> Any:
    """Uses only the lanes that have rows in the batch."""
    if scope is None:
        return nullcontext()
    lanes = sorted({row // each for row in batch})
    return scope.using([scope.active[lane] for lane in lanes])


def left_pad(prompts: Sequence[Sequence[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pads on the left, so that every answer starts at the same column. Returns ids and mask."""
    longest = max(len(prompt) for prompt in prompts)
    ids = torch.tensor([[pad] * (longest - len(prompt)) + list(prompt) for prompt in prompts])
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts])
    return ids, mask
