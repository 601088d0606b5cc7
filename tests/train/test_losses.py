"""Losses without the logits that no loss needs are the losses."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from support.kernel_count import Counted
from support.tiny_models import VOCABULARY, gemma2, gpt2, llama, relative, token_ids
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import PreTrainedModel

from mobench.lanes import FullLanes, LoraLanes
from mobench.train.batches import IGNORED
from mobench.train.losses import (
    LOGITS_AT_ONCE,
    has_plain_frozen_head,
    head_losses,
    lane_losses,
)

Make = Callable[..., PreTrainedModel]


def tied(dtype: torch.dtype = torch.float64) -> PreTrainedModel:
    return llama(dtype, tie_word_embeddings=True)


MODELS = pytest.mark.parametrize("make", [llama, tied, gpt2, gemma2])


def stack(make: Make, dtype: torch.dtype = torch.float64) -> LoraLanes:
    """Two lanes that differ from the base."""
    lanes = LoraLanes(make(dtype), [0, 1], rank=4, alpha=8.0)
    with torch.no_grad():
        for layer in lanes.layers.values():
            layer.b.normal_(std=0.1, generator=torch.Generator().manual_seed(3))
    return lanes


def batch() -> tuple[torch.Tensor, torch.Tensor, int]:
    """Prompts of 2 to 4 tokens, answers of 2 to 5, padding after them."""
    ids = token_ids(6, 9)
    labels = torch.full_like(ids, IGNORED)
    for row, (start, end) in enumerate([(2, 5), (3, 8), (4, 6), (2, 7), (3, 5), (4, 9)]):
        labels[row, start:end] = ids[row, start:end]
        ids[row, end:] = 0
    return ids, labels, 2


def plainly(lanes: LoraLanes, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Each lane's loss from all logits."""
    logits = lanes.model(input_ids=ids).logits[:, :-1]
    told = [
        functional.cross_entropy(
            logits[rows].flatten(0, 1).float()
            if logits.dtype == torch.bfloat16
            else logits[rows].flatten(0, 1),
            labels[rows, 1:].flatten(),
            ignore_index=IGNORED,
        )
        for rows in (slice(0, 3), slice(3, 6))
    ]
    return torch.stack(told)


@MODELS
def test_losses_and_gradients_are_those_of_all_logits(make: Make) -> None:
    ids, labels, shortest = batch()
    weights = torch.tensor([1.0, 3.0], dtype=torch.float64)
    results = []
    for loss in (
        lambda lanes: lane_losses(lanes, ids, labels, shortest),
        lambda lanes: plainly(lanes, ids, labels),
    ):
        lanes = stack(make)
        values = loss(lanes)
        (values * weights).sum().backward()
        results.append((values.detach(), {n: p.grad for n, p in lanes.trainable().items()}))
    (mine, gradients), (theirs, plain) = results
    assert relative(mine, theirs) < 1e-12
    for name, value in plain.items():
        assert relative(gradients[name], value) < 1e-9


@pytest.mark.parametrize(
    ("make", "plain"), [(llama, True), (tied, True), (gpt2, True), (gemma2, False)]
)
def test_a_model_that_changes_its_logits_after_the_head_is_noticed(make: Make, plain: bool) -> None:
    assert has_plain_frozen_head(stack(make)) is plain


def test_a_cap_far_above_a_young_model_s_logits_is_noticed() -> None:
    """In bfloat16 it changes none of them yet; after training it may."""
    assert not has_plain_frozen_head(
        LoraLanes(gemma2(torch.bfloat16, final_logit_softcapping=30.0), [0], rank=4, alpha=8.0)
    )


def test_a_head_that_is_trained_is_not_passed_over() -> None:
    assert not has_plain_frozen_head(FullLanes(llama(), 2))
    lanes = stack(llama)
    assert has_plain_frozen_head(lanes)
    lanes.model.get_output_embeddings().weight.requires_grad_(True)
    assert not has_plain_frozen_head(lanes)


@pytest.mark.parametrize(("positions", "vocabulary", "blocks"), [(2**12, 2500, 3), (2**18, 33, 3)])
@pytest.mark.parametrize("with_bias", [False, True])
def test_losses_and_gradients_of_a_head_in_blocks_are_cross_entropy_s(
    positions: int, vocabulary: int, blocks: int, with_bias: bool
) -> None:
    """Logits from -60 to 60, so that each block may be all that counts."""
    assert math.ceil(vocabulary / (LOGITS_AT_ONCE // positions)) == blocks
    draw = torch.Generator().manual_seed(5)
    weight = torch.randn(vocabulary, 8, generator=draw, dtype=torch.float64) * 6
    bias = torch.randn(vocabulary, generator=draw, dtype=torch.float64) if with_bias else None
    targets = torch.randint(0, vocabulary, (positions,), generator=draw)
    shares = torch.rand(positions, generator=draw, dtype=torch.float64)
    results = []
    for loss in (
        lambda x: head_losses(x, weight, bias, targets),
        lambda x: functional.cross_entropy(
            functional.linear(x, weight, bias), targets, reduction="none"
        ),
    ):
        x = torch.randn(positions, 8, generator=draw.manual_seed(6), dtype=torch.float64)
        x.requires_grad_()
        values = loss(x)
        (values * shares).sum().backward()
        results.append((values.detach(), x.grad))
    for mine, theirs in zip(*results, strict=True):
        assert mine is not None
        assert torch.allclose(mine, theirs, rtol=1e-10, atol=1e-12)


class HeadRows(TorchDispatchMode):
    """Counts the rows of every product that gives logits."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[int] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = func(*args, **kwargs or {})
        if func in (torch.ops.aten.mm.default, torch.ops.aten.addmm.default) and (
            given.shape[-1] == VOCABULARY
        ):
            self.rows.append(len(given))
        return given


def test_only_positions_with_a_loss_pass_through_the_head() -> None:
    ids, labels, shortest = batch()
    lanes = stack(llama)
    # The first use of a model also asks once whether its head is plain.
    assert has_plain_frozen_head(lanes)
    with HeadRows() as head:
        lane_losses(lanes, ids, labels, shortest)
    assert head.rows == [int((labels != IGNORED).sum())]


def test_in_bfloat16_losses_are_summed_in_float32() -> None:
    ids, labels, shortest = batch()
    lanes = stack(llama, torch.bfloat16)
    mine = lane_losses(lanes, ids, labels, shortest)
    assert mine.dtype == torch.float32
    assert torch.allclose(mine, plainly(lanes, ids, labels), rtol=1e-5)


def test_without_gradients_none_is_made() -> None:
    ids, labels, shortest = batch()
    with torch.no_grad():
        assert not lane_losses(stack(llama), ids, labels, shortest).requires_grad


def test_the_host_never_waits_for_a_head_s_result() -> None:
    """A GPU that is waited for at each block of the vocabulary does nothing in between."""
    hidden = torch.randn(5, 8).requires_grad_()
    weight, targets = torch.randn(LOGITS_AT_ONCE // 4, 8), torch.arange(5)
    with Counted() as counted:
        head_losses(hidden, weight, None, targets).sum().backward()
    assert counted.kernels["aten::gather"] > 1, "several blocks"
    assert counted.waits == 0
