"""The GPU benchmark, at toy size on whatever is here."""

from __future__ import annotations

import pytest
import torch
from support.forward_passes import each_forward_pass

from benchmarks.gpu import SIZES, measure, random_model


@pytest.mark.parametrize("name", list(SIZES))
def test_a_size_has_as_many_weights_as_it_says(name: str) -> None:
    model = random_model(SIZES[name], "meta")
    assert sum(p.numel() for p in model.parameters()) == SIZES[name].params


def test_the_toy_is_measured_packed_and_alone() -> None:
    found = measure("toy", "cpu", lanes=2, steps=2)
    assert found["pack"] == 2
    assert (
        found["ratio"] == found["tokens_per_second_packed"] / found["tokens_per_second_sequential"]
    )
    for side in ("packed", "sequential"):
        assert found[f"share_of_peak_{side}"] > 0
        assert found[f"memory_bytes_{side}"] > 0


def test_a_pack_that_does_not_fit_is_halved() -> None:
    tried: list[int] = []

    def check(_: object, ids: torch.Tensor) -> None:
        lanes = len(ids) // SIZES["toy"].batch_size
        if torch.is_grad_enabled() and tried[-1:] != [lanes]:
            tried.append(lanes)
            if lanes > 2:
                raise torch.OutOfMemoryError

    with each_forward_pass(check):
        assert measure("toy", "cpu", lanes=8, steps=1)["pack"] == 2
    assert tried == [1, 8, 4, 2]
