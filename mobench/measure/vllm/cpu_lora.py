"""LoRA products on a CPU, with all rows of an adapter multiplied together.

vLLM's own products for CPUs copy an adapter's matrices once for each token, which for 15 adapters
and 60 prompts moves hundreds of gigabytes through memory. Here the rows of each adapter are one
block of a batched product.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from vllm.lora.punica_wrapper.punica_cpu import PunicaWrapperCPU


class Blocks(NamedTuple):
    """Which rows belong to which adapter.

    Attributes:
        slots: Slots of the adapters in use, [adapters].
        most: The number of rows of the adapter that has the most.
        rows: The row at each index of the blocks, [adapters * most]; unused ones hold row 0.
        places: The index into the blocks of each row that has an adapter, [rows].
        order: The rows that have an adapter, in the order of ``places``.
    """

    slots: torch.Tensor
    most: int
    rows: torch.Tensor
    places: torch.Tensor
    order: torch.Tensor


def blocks(indices: torch.Tensor) -> Blocks | None:
    """Sorts rows by adapter.

    Args:
        indices: Slot of each row's adapter, [rows]; -1 for a row without one.

    Returns:
        The blocks, or None if no row has an adapter.
    """
    slots, counts = torch.unique(indices[indices >= 0], return_counts=True)
    if len(slots) == 0:
        return None
    order = torch.argsort(indices, stable=True)[int((indices < 0).sum()) :]
    most = int(counts.max())
    within = torch.cat([torch.arange(count) for count in counts.tolist()])
    places = torch.repeat_interleave(torch.arange(len(slots)), counts) * most + within
    rows = torch.zeros(len(slots) * most, dtype=torch.long)
    rows[places] = order
    return Blocks(slots, most, rows, places, order)


class GroupedProducts(PunicaWrapperCPU):  # type: ignore[misc]
    """vLLM's bookkeeping of adapters, with batched products."""

    def update_metadata(self, *args: Any, **kwargs: Any) -> None:
        """Takes the rows of a batch and their adapters, whenever they have changed."""
        super().update_metadata(*args, **kwargs)
        self._blocks = blocks(self.token_lora_indices)

    def add_lora_linear(
        self,
        y: torch.Tensor,
        x: torch.Tensor,
        lora_a_stacked: tuple[torch.Tensor, ...],
        lora_b_stacked: tuple[torch.Tensor, ...],
        scale: float,
        output_slices: tuple[int, ...],
        *,
        buffer: object = None,  # noqa: ARG002
    ) -> None:
        """Adds each row's ``scale * B A x`` to y, in place.

        Args:
            y: Output of the layer, [rows, out]; its slices lie side by side.
            x: Input of the layer, [rows, in].
            lora_a_stacked: For each slice [slots, 1, rank, in].
            lora_b_stacked: For each slice [slots, 1, slice's width, rank].
            scale: Factor of the update.
            output_slices: Width of each slice.
            buffer: Not used.
        """
        if self._blocks is None:
            return
        slots, most, rows, places, order = self._blocks
        flat = y.view(-1, y.shape[-1])
        blocked = x.reshape(-1, x.shape[-1])[rows].view(len(slots), most, -1)
        start = 0
        for a, b, width in zip(lora_a_stacked, lora_b_stacked, output_slices, strict=True):
            # The narrow result is in float32, as in vLLM's own products.
            low = torch.bmm(blocked, a[slots, 0].transpose(1, 2)).float() * scale
            up = torch.bmm(low, b[slots, 0].transpose(1, 2).float())
            update = up.view(-1, up.shape[-1])[places].to(y.dtype)
            flat[:, start : start + width].index_add_(0, order, update)
            start += width


def use_grouped_products() -> None:
    """Makes the engine that is started next in this process use :class:`GroupedProducts`."""
    from vllm.platforms import current_platform

    def qualified_name(_: type) -> str:
        return f"{GroupedProducts.__module__}.{GroupedProducts.__name__}"

    type(current_platform).get_punica_wrapper = classmethod(qualified_name)
