"""The fused LoRA product and its gradients are those of the plain formula."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model, set_peft_model_state_dict
from support.tiny_models import llama, relative, token_ids
from torch import nn

from mobench.lanes import LoraLanes
from mobench.lanes.low_rank import low_rank
from mobench.lanes.shared_cast import SharedCast

LANES, ROWS, TOKENS, INPUTS, OUTPUTS, RANK = 3, 2, 4, 6, 5, 2
SCALING = 1.5
Tensors = dict[str, torch.Tensor]


def tensors(dtype: torch.dtype = torch.float64) -> Tensors:
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)

    return {
        "x": draw(LANES * ROWS, TOKENS, INPUTS).requires_grad_(),
        "weight": draw(OUTPUTS, INPUTS),
        "bias": draw(OUTPUTS),
        "a": draw(LANES, RANK, INPUTS).requires_grad_(),
        "b": draw(LANES, OUTPUTS, RANK).requires_grad_(),
    }


def how(scaling: float = SCALING, *, shared: bool = True) -> dict[str, Any]:
    return {"scaling": scaling, "cast": SharedCast(), "shared": shared}


def test_each_lane_s_rows_get_that_lane_s_update() -> None:
    t = tensors()
    y = low_rank(**t, **how())
    for row in range(LANES * ROWS):
        lane = row // ROWS
        whole = t["weight"] + SCALING * t["b"][lane] @ t["a"][lane]
        assert relative(y[row], t["x"][row] @ whole.T + t["bias"]) < 1e-12


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("from_below", [True, False], ids=["inner layer", "first layer"])
def test_gradients_are_those_of_finite_differences(bias: bool, from_below: bool) -> None:
    t = tensors()
    t["x"].requires_grad_(from_below)
    moved = [value for value in t.values() if value.requires_grad]

    def product(*_: torch.Tensor) -> torch.Tensor:
        given = {**t, "bias": t["bias"] if bias else None}
        return low_rank(**given, **how())

    assert torch.autograd.gradcheck(product, moved)


def test_the_frozen_layer_gets_no_gradient_and_is_not_written_to() -> None:
    t = tensors()
    before = {name: value.detach().clone() for name, value in t.items()}
    low_rank(**t, **how()).sum().backward()
    assert t["weight"].grad is None
    for name, value in t.items():
        assert torch.equal(value, before[name])


def test_float32_adapters_over_a_bfloat16_base_get_peft_s_gradients() -> None:
    """Both round to bfloat16 on the way down; what differs is the order of the last sum."""
    lanes = LoraLanes(llama(torch.bfloat16), [0], rank=4, alpha=8.0)
    with torch.no_grad():
        for layer in lanes.layers.values():
            layer.b.normal_(std=0.1, generator=torch.Generator().manual_seed(3))
    config = LoraConfig(r=4, lora_alpha=8.0, target_modules="all-linear", task_type="CAUSAL_LM")
    peft = get_peft_model(llama(torch.bfloat16), config).eval()
    set_peft_model_state_dict(peft, lanes.state(0))
    ids = token_ids(4, 7)
    for model in (lanes.model, peft):
        model(input_ids=ids, labels=ids).loss.backward()
    theirs = {
        name.removeprefix("base_model.model.").replace(".default.weight", ""): p.grad
        for name, p in peft.named_parameters()
        if p.requires_grad
    }
    ours = lanes.trainable()
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert value.grad is not None
        assert value.grad.dtype == torch.float32
        assert relative(value.grad[0], theirs[name]) < 0.03


def test_a_layer_that_does_more_than_multiply_is_called_as_it_is() -> None:
    """A forward hook, as tools that move weights between devices put on a layer, still works."""
    lanes = LoraLanes(llama(), [0, 1], rank=4, alpha=8.0)
    layer = next(iter(lanes.layers.values()))
    assert isinstance(layer.base, nn.Linear)
    x = torch.randn(4, 3, layer.inputs, dtype=torch.float64)
    plain = layer(x)
    layer.base.register_forward_hook(lambda _, __, y: y + 1)
    assert relative(layer(x), plain + 1) < 1e-12


def over_bfloat16(width: int) -> Tensors:
    """An input and a frozen layer in bfloat16, adapters in float32, as wide as real models are."""
    generator = torch.Generator().manual_seed(1)

    def draw(*shape: int, scale: float = 1.0) -> torch.Tensor:
        return torch.randn(*shape, generator=generator) * scale

    return {
        "x": draw(LANES * ROWS, TOKENS, width).bfloat16().requires_grad_(),
        "weight": draw(2 * width, width, scale=0.02).bfloat16(),
        "a": draw(LANES, RANK, width, scale=0.02).requires_grad_(),
        "b": draw(LANES, 2 * width, RANK, scale=0.02).requires_grad_(),
    }


def summed_apart(t: Tensors, scaling: float) -> torch.Tensor:
    """The same update, cast, scaled, added and rounded one after the other, as PEFT does."""
    x, weight, a, b = t["x"], t["weight"], t["a"], t["b"]
    frozen = nn.functional.linear(x, weight)
    rows = x.reshape(LANES, -1, a.shape[2]).float()
    update = torch.bmm(torch.bmm(rows, a.transpose(1, 2)), b.transpose(1, 2))
    sums = frozen.view(LANES, -1, b.shape[1]) + scaling * update
    return sums.to(x.dtype).view_as(frozen)


@pytest.mark.parametrize("scaling", [2.0, 0.5])
def test_adding_in_place_over_bfloat16_gives_the_same_bits(scaling: float) -> None:
    t = over_bfloat16(1024)
    told = low_rank(**t, bias=None, **how(scaling))
    assert told.dtype == torch.bfloat16
    assert torch.equal(told, summed_apart(t, scaling))
    told.float().square().sum().backward()
    mine = {name: t[name].grad for name in ("x", "a", "b")}
    again = {name: value.detach().requires_grad_(value.requires_grad) for name, value in t.items()}
    summed_apart(again, scaling).float().square().sum().backward()
    for name, gradient in mine.items():
        assert gradient is not None
        other = again[name].grad
        assert other is not None
        assert relative(gradient.float(), other.float()) < 4e-3, name


def test_an_input_that_several_layers_read_is_cast_once_each_way() -> None:
    casts: list[int] = []

    class Counted(SharedCast):
        def _is_last(self, x: torch.Tensor) -> bool:
            known = super()._is_last(x)
            casts.append(known)
            return known

    lanes = LoraLanes(llama(torch.bfloat16), [0, 1], rank=4, alpha=8.0)
    counted = Counted()
    for layer in lanes.layers.values():
        layer.cast = counted
    ids = token_ids(4, 7)
    # Of a block's seven layers key, value and up find their input cast.
    lanes.model(input_ids=ids, labels=ids).loss.backward()
    blocks = len(lanes.model.model.layers)
    assert sum(casts) == 2 * 3 * blocks
    casts.clear()
    with torch.inference_mode():
        lanes.model(input_ids=ids)
    assert sum(casts) == 3 * blocks


def test_an_input_that_was_changed_is_cast_anew() -> None:
    cast, x = SharedCast(), torch.ones(3, dtype=torch.bfloat16)
    first = cast.of(x, torch.float32, shared=True)
    assert cast.of(x.view(3), torch.float32, shared=True).data_ptr() == first.data_ptr()
    assert torch.equal(first, torch.ones(3))
    x.add_(1)
    assert torch.equal(cast.of(x, torch.float32, shared=True), 2 * torch.ones(3))
    other = torch.zeros(3, dtype=torch.bfloat16)
    assert torch.equal(cast.of(other, torch.float32, shared=False), torch.zeros(3))
