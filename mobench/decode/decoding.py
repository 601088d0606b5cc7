"""Decoding, greedy or drawn: token by token for all lanes at once, without work that is in vain.

``transformers``' own ``generate`` computes a prompt's beginning again for each row, and goes on
with a row that has ended until the last one has. Here the tokens that all prompts begin with are
computed once for each lane, and rows leave the batch when they have ended or when the caller says
that nothing that follows can matter.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from transformers import DynamicCache

from mobench.common_prefix import common_prefix_length
from mobench.decode.sampling import Draws, Sampling
from mobench.decode.token_tree import can_read_trees, read_texts
from mobench.lanes import Scope

SHARED_AT_LEAST = 8
"""The fewest common tokens for which a forward pass of their own pays."""
SHRINK_AT = 0.75
"""Rows are taken out only where no more than this share of the batch would stay, because taking
them out copies the whole cache."""


@torch.inference_mode()
def decode(
    model: Any,
    prompts: Sequence[Sequence[int]],
    *,
    pad: int,
    ends: Collection[int],
    max_new_tokens: int,
    scope: Scope | None = None,
    settled: Callable[[Sequence[int]], bool] | None = None,
    share_prefix: bool = True,
    sampling: Sampling | None = None,
) -> list[list[list[int]]]:
    """Answers every prompt, once for each active lane.

    Args:
        model: A Hugging Face causal LM with a dynamic key-value cache.
        prompts: Token ids of each prompt, none of them empty.
        pad: Token id to pad with.
        ends: Token ids that end an answer.
        max_new_tokens: Length at which an answer is cut.
        scope: The lanes on the model; None for a plain model, which is one lane.
        settled: Takes an answer's tokens so far and returns whether the rest cannot matter. The
            answer is cut there.
        share_prefix: Whether tokens that all prompts begin with are computed once for each lane.
        sampling: How tokens are drawn; None takes the likeliest.

    Returns:
        Token ids [lanes][prompts][tokens], without the ending token.
    """
    # A row is one prompt in one lane; rows are numbered lane by lane. `batch` holds the rows that
    # are still computed, in the order of the batch.
    lanes = 1 if scope is None else len(scope.active)
    per_lane = len(prompts)
    answers: list[list[int]] = [[] for _ in range(lanes * per_lane)]
    ended = [False] * (lanes * per_lane)
    batch = list(range(lanes * per_lane))
    accepted = _forward_parameters(model)
    draws = None if sampling is None else Draws(sampling, lanes)

    # 1. Read all prompts.
    logits, cache, mask = _read(model, prompts, lanes, pad, accepted, share_prefix=share_prefix)
    for position in range(max_new_tokens):
        # 2. Take each row's next token, and see which answers end with it.
        chosen = logits.argmax(-1) if draws is None else draws.next(logits, batch)
        for row, token in zip(batch, chosen.tolist(), strict=True):
            if ended[row]:
                continue
            is_end = token in ends
            if not is_end:
                answers[row].append(token)
            ended[row] = is_end or (settled is not None and settled(answers[row]))
        if position == max_new_tokens - 1 or all(ended[row] for row in batch):
            break
        # 3. Take out rows that have ended, where enough have.
        staying = _staying(batch, ended, per_lane)
        if len(staying) <= SHRINK_AT * len(batch):
            index = torch.tensor(staying, device=mask.device)
            _keep_rows(cache, index)
            chosen, mask = chosen[index], mask[index]
            batch = [batch[n] for n in staying]
        # 4. Compute the next logits of those that stay.
        mask = torch.cat([mask, mask.new_ones(len(batch), 1)], dim=1)
        with _lanes_of(scope, batch, per_lane):
            logits = _step(model, chosen[:, None], cache, mask, accepted)
    return [answers[lane * per_lane : (lane + 1) * per_lane] for lane in range(lanes)]


def _keep_rows(cache: DynamicCache, index: torch.Tensor) -> None:
    """Takes all other rows out of a cache; each block's keys are where the block is."""
    for layer in cache.layers:
        if layer.keys is not None:
            layer.batch_select_indices(index.to(layer.keys.device))


def _read(
    model: Any,
    prompts: Sequence[Sequence[int]],
    lanes: int,
    pad: int,
    accepted: frozenset[str],
    *,
    share_prefix: bool,
) -> tuple[torch.Tensor, DynamicCache, torch.Tensor]:
    """Reads all prompts: the last logits [rows, vocabulary], the cache, the mask [rows, tokens]."""
    if share_prefix and can_read_trees(model):
        return read_texts(model, prompts, lanes)
    per_lane = len(prompts)
    cache = DynamicCache(config=model.config)
    common = common_prefix_length(prompts) if share_prefix and per_lane > 1 else 0
    # Padding between the common tokens and the rest would take up places in a sliding window.
    if common < SHARED_AT_LEAST or any(cache.is_sliding):
        common = 0
    if common:
        shared = torch.tensor([list(prompts[0][:common])] * lanes, device=model.device)
        _step(model, shared, cache, torch.ones_like(shared), accepted)
        cache.batch_repeat_interleave(per_lane)
    ids, mask = left_pad([prompt[common:] for prompt in prompts], pad)
    ids, mask = ids.repeat(lanes, 1).to(model.device), mask.repeat(lanes, 1).to(model.device)
    mask = torch.cat([mask.new_ones(len(mask), common), mask], dim=1)
    return _step(model, ids, cache, mask, accepted), cache, mask


def _step(
    model: Any,
    ids: torch.Tensor,
    cache: DynamicCache,
    mask: torch.Tensor,
    accepted: frozenset[str],
) -> torch.Tensor:
    """One forward pass over new tokens [rows, new]; returns the last logits [rows, vocabulary]."""
    extra: dict[str, Any] = {}
    if "position_ids" in accepted:
        # Padding is not counted: a prompt's first token is at position 0 in whatever column.
        extra["position_ids"] = (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
    if "logits_to_keep" in accepted:
        extra["logits_to_keep"] = 1
    output = model(
        input_ids=ids, attention_mask=mask, past_key_values=cache, use_cache=True, **extra
    )
    last: torch.Tensor = output.logits[:, -1]
    return last


def _forward_parameters(model: Any) -> frozenset[str]:
    """The names of the parameters that the model's forward pass takes."""
    return frozenset(inspect.signature(model.forward).parameters)


def _staying(batch: Sequence[int], ended: Sequence[bool], per_lane: int) -> list[int]:
    """Which indices of the batch stay: equally many for each lane with rows that go on.

    Layers with lanes need the same number of rows for each; a lane with fewer keeps ended ones.
    """
    by_lane: dict[int, list[int]] = {}
    for index, row in enumerate(batch):
        by_lane.setdefault(row // per_lane, []).append(index)
    going = {
        lane: [index for index in indices if not ended[batch[index]]]
        for lane, indices in by_lane.items()
    }
    most = max(map(len, going.values()))
    staying = []
    for lane, indices in going.items():
        if indices:
            fill = [index for index in by_lane[lane] if ended[batch[index]]]
            staying += [*indices, *fill[: most - len(indices)]]
    return staying


def _lanes_of(scope: Scope | None, batch: Sequence[int], per_lane: int) -> Any:
    """A context in which only the lanes that have rows in the batch are in use."""
    if scope is None:
        return nullcontext()
    lanes = sorted({row // per_lane for row in batch})
    return scope.using([scope.active[lane] for lane in lanes])


def left_pad(prompts: Sequence[Sequence[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pads on the left, so that every answer starts at the same column. Returns ids and mask."""
    longest = max(len(prompt) for prompt in prompts)
    ids = torch.tensor([[pad] * (longest - len(prompt)) + list(prompt) for prompt in prompts])
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts])
    return ids, mask
