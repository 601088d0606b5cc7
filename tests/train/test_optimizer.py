"""One optimizer over all lanes does for each what torch's does for it alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mobench.train.optimizer import LaneAdamW

LRS = (1e-3, 3e-2, 0.5)
SHAPES = {"matrix": (4, 5), "bias": (4,)}


def parameters(seed: int = 0) -> dict[str, nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: nn.Parameter(torch.randn(3, *shape, generator=generator, dtype=torch.float64))
        for name, shape in SHAPES.items()
    }


def gradients(step: int) -> dict[str, torch.Tensor]:
    """Some lanes' gradients are above the clip, some below, at every step."""
    generator = torch.Generator().manual_seed(100 + step)
    sizes = torch.tensor([0.01, 1.0, 30.0], dtype=torch.float64).roll(step)
    return {
        name: torch.randn(3, *shape, generator=generator, dtype=torch.float64)
        * sizes.view(3, *[1] * len(shape))
        for name, shape in SHAPES.items()
    }


def advance(optimizer: LaneAdamW, step: int, alive: tuple[bool, ...] = (True,) * 3) -> None:
    for name, gradient in gradients(step).items():
        optimizer.parameters[name].grad = gradient
    optimizer.step(optimizer.norms(), max_norm=1.0, alive=torch.tensor(alive))


def values(optimizer: LaneAdamW) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in optimizer.parameters.items()}


@pytest.mark.parametrize("max_norm", [None, 1.0])
def test_each_lane_goes_where_torch_adamw_with_clipping_goes(max_norm: float | None) -> None:
    stacked = parameters()
    alone = [
        {n: nn.Parameter(p[lane].detach().clone()) for n, p in stacked.items()} for lane in range(3)
    ]
    ours = LaneAdamW(stacked, LRS)
    theirs = [
        torch.optim.AdamW(own.values(), lr=lr, weight_decay=0.0)
        for own, lr in zip(alone, LRS, strict=True)
    ]
    for step in range(12):
        for name, gradient in gradients(step).items():
            stacked[name].grad = gradient
        norms = ours.norms()
        ours.step(norms, max_norm=max_norm, alive=torch.ones(3, dtype=torch.bool))
        for lane, optimizer in enumerate(theirs):
            for name, gradient in gradients(step).items():
                alone[lane][name].grad = gradient[lane].clone()
            limit = float("inf") if max_norm is None else max_norm
            norm = nn.utils.clip_grad_norm_(alone[lane].values(), limit)
            assert float(norms[lane]) == pytest.approx(float(norm), rel=1e-12)
            optimizer.step()
            for name, own in alone[lane].items():
                torch.testing.assert_close(stacked[name][lane], own, rtol=1e-12, atol=1e-14)
    assert all(p.grad is None for p in stacked.values())


def test_betas_and_decay_are_torch_s_and_vectors_do_not_decay() -> None:
    """As the Trainer of transformers groups them: norm gains and biases are left alone."""
    settings = {"betas": (0.7, 0.9)}
    stacked = parameters()
    alone = [
        {n: nn.Parameter(p[lane].detach().clone()) for n, p in stacked.items()} for lane in range(3)
    ]
    ours = LaneAdamW(stacked, LRS, weight_decay=0.2, **settings)
    for step in range(12):
        advance(ours, step)
    for lane, (own, lr) in enumerate(zip(alone, LRS, strict=True)):
        theirs = torch.optim.AdamW(
            [
                {"params": [own["matrix"]], "weight_decay": 0.2},
                {"params": [own["bias"]], "weight_decay": 0.0},
            ],
            lr=lr,
            **settings,
        )
        for step in range(12):
            for name, gradient in gradients(step).items():
                own[name].grad = gradient[lane].clone()
            nn.utils.clip_grad_norm_(own.values(), 1.0)
            theirs.step()
        for name, weight in own.items():
            torch.testing.assert_close(stacked[name][lane], weight, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_dead_lane_stays_as_it_is_even_with_gradients_that_are_no_numbers(bad: float) -> None:
    ours = LaneAdamW(parameters(), LRS)
    whole = LaneAdamW(parameters(), LRS)
    for step in range(3):
        advance(ours, step)
        advance(whole, step)
    before, moments = values(ours), ours.state()
    for step in range(3, 7):
        for name, gradient in gradients(step).items():
            gradient[1] = bad
            ours.parameters[name].grad = gradient
        ours.step(ours.norms(), max_norm=1.0, alive=torch.tensor([True, False, True]))
        advance(whole, step)
    for name, p in ours.parameters.items():
        assert torch.equal(p[1], before[name][1])
        assert torch.equal(ours.first[name][1], moments[f"first.{name}"][1])
        assert torch.equal(ours.second[name][1], moments[f"second.{name}"][1])
        for lane in (0, 2):
            torch.testing.assert_close(p[lane], whole.parameters[name][lane], rtol=1e-12, atol=0)


def test_going_on_from_a_saved_state_is_exactly_not_having_stopped() -> None:
    through = LaneAdamW(parameters(), LRS)
    for step in range(4):
        advance(through, step)
    saved, weights = through.state(), values(through)
    resumed = LaneAdamW({name: nn.Parameter(value) for name, value in weights.items()}, LRS)
    resumed.load(saved)
    for step in range(4, 9):
        advance(through, step)
        advance(resumed, step)
    for name, value in values(through).items():
        assert torch.equal(values(resumed)[name], value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_an_update_waits_for_no_number_of_the_device_s(dtype: torch.dtype) -> None:
    """On the meta device there are none to wait for: whoever asks is refused."""
    weights = {
        name: nn.Parameter(torch.empty(2, 4, 3, dtype=dtype, device="meta")) for name in "ab"
    }
    optimizer = LaneAdamW(weights, [1e-3, 1e-2])
    optimizer.changed[:] = True
    for weight in weights.values():
        weight.grad = torch.empty_like(weight)
    norms = optimizer.norms()
    optimizer.step(norms, max_norm=1.0, alive=torch.tensor([True, True]))
    assert optimizer.step_count == 1
    assert all(weight.grad is None for weight in weights.values())
