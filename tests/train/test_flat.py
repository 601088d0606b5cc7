"""A batch without padding gives the losses and gradients of the padded one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from support.tiny_models import gemma2, gemma3, gpt2, llama, mistral, qwen2, qwen3, relative
from transformers import PreTrainedModel

from mobench.lanes import FullLanes, LoraLanes
from mobench.train.batches import Encoded, collate
from mobench.train.flat import flattened, lay_out
from mobench.train.flat_losses import can_flatten, flat_layout, flat_losses
from mobench.train.losses import lane_losses
from mobench.train.pack import Recipe, Run, train_pack
from mobench.train.recompute import recomputing

Make = Callable[..., PreTrainedModel]
MODELS = pytest.mark.parametrize("make", [llama, qwen2, qwen3, mistral, gemma3, gpt2])
CPU = torch.device("cpu")
ROUNDED = 1e-6
"""In float64 all but norms, which transformers computes in float32 whatever the model is in."""

# All begin with 7 8 9; without padding the lanes have 18 and 26 tokens.
LONG, SHORT = tuple(range(10, 18)), (30, 31)
BATCH = [
    [Encoded((7, 8, 9, *SHORT), (5, 1)), Encoded((7, 8, 9, *LONG), (6, 2, 1))],
    [Encoded((7, 8, 9, *LONG[::-1]), (5, 1)), Encoded((7, 8, 9, 33, *LONG), (6, 2, 3, 1))],
]


def stack(make: Make, dtype: torch.dtype = torch.float64, **changes: object) -> LoraLanes:
    """Two lanes that differ from the base and from one another."""
    lanes = LoraLanes(make(dtype, **changes), [0, 1], rank=4, alpha=8.0)
    with torch.no_grad():
        for layer in lanes.layers.values():
            layer.b.normal_(std=0.3, generator=torch.Generator().manual_seed(4))
    return lanes


def counted(batch: Sequence[Sequence[Encoded]]) -> torch.Tensor:
    return torch.tensor([sum(len(e.response) for e in mine) for mine in batch])


def gradients(lanes: LoraLanes) -> dict[str, torch.Tensor]:
    found = {}
    for name, value in lanes.trainable().items():
        assert value.grad is not None
        found[name], value.grad = value.grad, None
    return found


def plainly(
    lanes: LoraLanes, batch: Sequence[Sequence[Encoded]]
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    ids, labels, shortest = collate([example for mine in batch for example in mine], 0)
    losses = lane_losses(lanes, ids, labels, shortest, counted(batch))
    losses.sum().backward()
    return losses.detach(), gradients(lanes)


def flat(
    lanes: LoraLanes, batch: Sequence[Sequence[Encoded]], *, recompute: bool = False
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    layout = lay_out(batch, 0, CPU)
    with recomputing(lanes.model, on=recompute), flattened(lanes.model):
        losses = flat_losses(lanes, layout, counted(batch))
        losses.sum().backward()
    return losses.detach(), gradients(lanes)


@MODELS
@pytest.mark.parametrize("recompute", [False, True])
def test_losses_and_gradients_are_those_of_the_padded_batch(make: Make, recompute: bool) -> None:
    lanes = stack(make, **({"sliding_window": 64} if make in (mistral, gemma3) else {}))
    losses, slopes = plainly(lanes, BATCH)
    mine, mine_slopes = flat(lanes, BATCH, recompute=recompute)
    assert relative(mine, losses) < ROUNDED
    for name, slope in slopes.items():
        assert relative(mine_slopes[name], slope) < ROUNDED, name


def test_prompts_that_begin_alike_are_computed_once_and_nothing_is_padded() -> None:
    layout = lay_out(BATCH, 0, CPU)
    assert layout.common == 3
    # 3 in common, then 4 + 11 and 10 + 13: the shorter lane is filled up.
    assert layout.ids.shape == (2, 26)
    assert layout.ids[0].tolist() == [
        7, 8, 9, *SHORT, 5, 1, *LONG, 6, 2, 1, *[0] * 8,
    ]  # fmt: skip
    assert layout.positions[0, :18].tolist() == [0, 1, 2, 3, 4, 5, 6, *range(3, 14)]


def test_examples_that_have_nothing_in_common_and_lanes_of_one_example_work_too() -> None:
    lanes = stack(llama)
    apart = [[Encoded((7, 8), (5, 1))], [Encoded((9,), (6, 2, 3, 1))]]
    losses, slopes = plainly(lanes, apart)
    mine, mine_slopes = flat(lanes, apart)
    assert relative(mine, losses) < ROUNDED
    assert all(relative(mine_slopes[name], slope) < ROUNDED for name, slope in slopes.items())


def test_a_prompt_that_is_another_one_s_beginning_keeps_its_last_token() -> None:
    """Its last token predicts the answer, so it cannot stand for all."""
    lanes = stack(llama)
    nested = [[Encoded((7, 8, 9), (5, 1)), Encoded((7, 8, 9, 10, 11), (6, 1))]] * 2
    assert lay_out(nested, 0, CPU).common == 2
    losses, _ = plainly(lanes, nested)
    assert relative(flat(lanes, nested)[0], losses) < ROUNDED


def test_it_is_taken_where_it_saves_enough_and_the_model_allows_it() -> None:
    even = [[Encoded((7, 8), (5, 1))] * 2, [Encoded((9, 8), (6, 1))] * 2]
    lanes = stack(llama)
    assert flat_layout(lanes, BATCH, 0) is not None
    assert flat_layout(lanes, even, 0) is None
    assert flat_layout(stack(gemma2), BATCH, 0) is None, "caps its logits"
    narrow = stack(mistral, sliding_window=10)
    assert flat_layout(narrow, BATCH, 0) is None, "sees ten tokens of fifteen"
    few = [mine[:1] * 2 for mine in BATCH]
    assert flat_layout(narrow, [few[0]], 0) is not None, "seven tokens are all seen"
    eager = stack(llama)
    eager.model.config._attn_implementation = "eager"
    assert flat_layout(eager, BATCH, 0) is None
    assert flat_layout(FullLanes(llama(), 2), BATCH, 0) is None, "trains its head"


def test_a_model_whose_attention_goes_another_way_is_found_out() -> None:
    """A cap on the scores is in no ``sdpa``: the flat batch would be another model's."""
    lanes = stack(llama)

    def scaled(_: object, __: object, given: dict[str, object], result: Any) -> Any:
        attended, weights = result
        return attended * (2.0 if "layout" in given else 1.0), weights

    attention = lanes.model.model.layers[0].self_attn
    attention.register_forward_hook(scaled, with_kwargs=True)
    assert not can_flatten(lanes, 8)


def test_a_whole_pack_trains_to_the_same_weights_either_way() -> None:
    examples = [example for mine in BATCH for example in mine] * 3
    runs = (Run(1e-2, 0), Run(3e-3, 1), Run(1e-2, 2))

    def trained(attention: str, micro_batch: int | None = None) -> tuple[LoraLanes, set[bool]]:
        """The lanes, and whether steps were computed without padding."""
        model = llama()
        model.config._attn_implementation = attention
        lanes = LoraLanes(model, [0, 1, 2], rank=4, alpha=8.0)
        flattened = set[bool]()

        def watch(_: object, __: object, given: dict[str, object]) -> None:
            if torch.is_grad_enabled():
                flattened.add("layout" in given)

        model.model.layers[0].self_attn.register_forward_pre_hook(watch, with_kwargs=True)
        train_pack(lanes, runs, examples, Recipe(8, 4, micro_batch=micro_batch), pad=0)
        return lanes, flattened

    mine, whole = trained("sdpa")
    parts, halves = trained("sdpa", 2)
    padded, none = trained("eager")
    assert True in whole
    assert True in halves
    assert none == {False}
    for lane in range(3):
        for name, value in padded.state(lane).items():
            assert relative(mine.state(lane)[name], value) < ROUNDED
            assert relative(parts.state(lane)[name], value) < ROUNDED
