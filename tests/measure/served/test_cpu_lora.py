"""Batched products of many adapters are each row's own product."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("vllm", exc_type=ImportError)
from mobench.measure.vllm.cpu_lora import GroupedProducts, blocks

SLOTS, RANK, INNER, WIDTHS = 4, 3, 5, (6, 2, 2)


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize(
    "indices",
    [[2, 0, 2, 2, 1], [-1, 3, -1, 0], [1], [0, 0, 0], [3, 2, 1, 0]],
    ids=["uneven", "rows without", "one", "all alike", "one each"],
)
def test_each_row_gets_its_adapter_s_update_on_each_slice(indices: list[int]) -> None:
    products = GroupedProducts(16, 16, "cpu")
    products._blocks = blocks(torch.tensor(indices))
    a = tuple(drawn(SLOTS, 1, RANK, INNER) for _ in WIDTHS)
    b = tuple(drawn(SLOTS, 1, width, RANK) for width in WIDTHS)
    x, before = drawn(len(indices), INNER), drawn(len(indices), sum(WIDTHS))
    after = before.clone()
    products.add_lora_linear(after, x, a, b, 0.5, WIDTHS)
    for row, slot in enumerate(indices):
        update = torch.cat([0.5 * b[n][slot, 0] @ a[n][slot, 0] @ x[row] for n in range(3)])
        right = before[row] + (update if slot >= 0 else 0)
        assert torch.allclose(after[row], right, atol=1e-5)


def test_a_batch_without_adapters_is_left_alone() -> None:
    assert blocks(torch.tensor([-1, -1])) is None
