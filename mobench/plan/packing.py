"""How cells are packed into memory: how many train in one pass, and what is paid to need less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mobench.errors import MobenchError
from mobench.machine.devices import devices_of
from mobench.machine.hardware import GIB, Hardware, detect
from mobench.plan.model_size import model_shape, training_sizes
from mobench.plan.pack_memory import ANSWER_ROWS, largest_pack, memory_bytes
from mobench.records.cells import Cell
from mobench.registry import OrganismSpec
from mobench.registry.organism_spec import Preset, ScratchBase

MEMORY_SHARE = 0.7
"""Part of the free memory that a pack may be planned to take. No formula sees all that is used."""

FEW_ON_GPU = 2
"""Examples in a forward pass below which a GPU recomputes rather than halve them again."""


@dataclass(frozen=True)
class Packing:
    """One way to put cells into memory. A training step is the same in all of them, up to rounding.

    Attributes:
        pack: Cells that train in one pass, at most.
        micro_batch: Examples of each cell in a forward pass; None for the whole batch at once.
        recompute: Whether activations are computed again in the backward pass.
    """

    pack: int
    micro_batch: int | None = None
    recompute: bool = False

    @property
    def tight(self) -> bool:
        """Whether memory is so scarce that time is paid for it."""
        return self.micro_batch is not None or self.recompute

    def smaller(self, batch_size: int, device: str) -> Packing | None:
        """Returns the next packing that needs less memory; None where nothing is left.

        The cheapest in time comes first: half the pack; with one cell, half the examples at a time;
        then recomputed activations. On a GPU those come before single examples: a third more
        products cost less there than products so narrow that it waits for the next kernel.

        Args:
            batch_size: Examples of each cell in a step.
            device: A torch device.
        """
        if self.pack > 1:
            return replace(self, pack=(self.pack + 1) // 2)
        at_once = min(self.micro_batch or batch_size, batch_size)
        few = FEW_ON_GPU if on_gpu(device) and not self.recompute else 1
        if at_once > few:
            return replace(self, micro_batch=(at_once + 1) // 2)
        if not self.recompute:
            return replace(self, recompute=True)
        return None

    def describe(self, batch_size: int) -> str:
        """Returns the packing as a phrase: ``5 cells in one pass``.

        Args:
            batch_size: Examples of each cell in a step.
        """
        phrase = "1 cell in one pass" if self.pack == 1 else f"{self.pack} cells in one pass"
        if self.micro_batch is not None:
            phrase += f", {self.micro_batch} of {batch_size} examples at a time"
        if self.recompute:
            phrase += ", activations computed twice"
        return phrase


SMALLEST = Packing(pack=1, micro_batch=1, recompute=True)
"""The packing that needs the least memory."""


def split_into_packs(cells: Sequence[Cell], size: int) -> list[tuple[Cell, ...]]:
    """Splits cells into packs of at most ``size``, in order.

    Cells come seed by seed, so a pack holds whole ladders where the size allows: a run that is
    stopped half-way then has complete seeds rather than complete rungs.

    Raises:
        ValueError: The size is below 1.
    """
    if size < 1:
        raise ValueError(f"a pack holds at least one cell, got {size}")
    return [tuple(cells[start : start + size]) for start in range(0, len(cells), size)]


def plannable_bytes(hardware: Hardware) -> float:
    """Returns the bytes that a pack may be planned to take."""
    return hardware.model_memory_gb * GIB * MEMORY_SHARE


def on_gpu(device: str) -> bool:
    """Returns whether a model on this device has memory of its own."""
    return device.startswith("cuda")


def planned_memory(spec: OrganismSpec, preset: Preset, packing: Packing, device: str) -> int:
    """Returns the peak memory, in bytes, that the formula gives for one pack.

    The smallest packing answers one question at a time.

    Args:
        spec: The organism.
        preset: How much is trained.
        packing: How cells are put into memory.
        device: A torch device.

    Raises:
        MobenchError: The model's size is not known.
    """
    fewest = on_gpu(device) or packing == SMALLEST
    return memory_bytes(
        model_shape(spec),
        pack=packing.pack,
        micro_batch=packing.micro_batch,
        recompute=packing.recompute,
        answer_rows=packing.pack if fewest else ANSWER_ROWS,
        gpu=on_gpu(device),
        gpus=len(devices_of(device)),
        **training_sizes(spec, preset),
    )


def machine_packing(spec: OrganismSpec, preset: Preset, memory_gb: float, device: str) -> Packing:
    """Returns how cells are packed into the memory of a machine, or of a worker's part of it.

    Args:
        spec: The organism.
        preset: How much is trained.
        memory_gb: Free memory where the model is, in GiB.
        device: Where that is.
    """
    return initial_packing(spec, preset, memory_gb * GIB * MEMORY_SHARE, device)


def initial_packing(spec: OrganismSpec, preset: Preset, memory: float, device: str) -> Packing:
    """Returns the packing that a run begins with.

    It is the largest pack of whole batches; where memory does not hold even one cell so, the first
    smaller packing that it holds.

    Args:
        spec: The organism.
        preset: How much is trained.
        memory: Bytes that may be planned with.
        device: A torch device.

    Returns:
        The packing. Where the formula says that memory holds none it is the smallest: formulas err,
        and trying costs little.

    Raises:
        MobenchError: The model's size is not known.
    """
    # A pack of a toy may hold all cells. On a large model more lanes than rungs gain nothing.
    most = preset.cells if isinstance(spec.base, ScratchBase) else len(preset.rungs)
    pack = largest_pack(
        model_shape(spec),
        memory=memory,
        cells=most,
        gpu=on_gpu(device),
        gpus=len(devices_of(device)),
        **training_sizes(spec, preset),
    )
    packing = Packing(max(1, pack))
    while planned_memory(spec, preset, packing, device) > memory:
        smaller = packing.smaller(preset.batch_size, device)
        if smaller is None:
            break
        packing = smaller
    return packing


def out_of_memory_error(
    spec: OrganismSpec, preset: Preset, device: str, tried: Packing | None = None
) -> MobenchError:
    """Returns the error to raise where memory ran out and no smaller packing is left to try.

    Args:
        spec: The organism.
        preset: How much was to be trained.
        device: A torch device.
        tried: The packing that memory did not hold; None where it ran out before any training.
    """
    free = detect(device).model_memory_gb
    several = "on the GPUs" if "," in device else "on the GPU"
    where = several if device.startswith("cuda") else "on this machine"
    fact = f"{spec.name} does not fit into memory"
    fact += f" with {tried.describe(preset.batch_size)}" if tried else ""
    needed = planned_memory(spec, preset, tried or SMALLEST, device) / GIB
    return MobenchError(
        f"{fact}: about {needed:.1f} GiB are needed, and {free:.1f} GiB are free {where}",
        "end what else uses memory, or take a machine, a --device or more --shards, and give the "
        "same command again: it goes on with what was kept",
    )
