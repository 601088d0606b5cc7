"""Which way of fitting runs into memory is planned, and what is said where none fits."""

from __future__ import annotations

from mobench.errors import MobenchError
from mobench.machine.hardware import GIB, detect
from mobench.plan.memory import largest_pack, memory_bytes
from mobench.plan.organism_size import shape, sizes
from mobench.plan.packing import Fit
from mobench.registry import OrganismSpec
from mobench.registry.organism_spec import Preset, ScratchBase

SHARE = 0.7
"""Part of the free memory that a pack may plan with; the rest is for what no formula sees."""


def memory_of(spec: OrganismSpec, preset: Preset, fit: Fit) -> int:
    """Peak memory, in bytes, of one pack by the planner's formula.

    Raises:
        MobenchError: The model's size is not known.
    """
    return memory_bytes(
        shape(spec),
        pack=fit.pack,
        micro_batch=fit.micro_batch,
        recompute=fit.recompute,
        **sizes(spec, preset),
    )


def first_that_fits(spec: OrganismSpec, preset: Preset, memory: float) -> Fit:
    """The largest pack of whole batches; where not even one run fits, the first smaller way.

    Args:
        spec: The organism.
        preset: How much is trained.
        memory: Bytes that may be planned with.

    Returns:
        The way to begin with. Where the formula says that none fits it is the smallest: formulas
        err, and trying costs little.

    Raises:
        MobenchError: The model's size is not known.
    """
    # Whole ladders of a seed ride together; more lanes than rungs gain nothing on a large model.
    most = preset.cells if isinstance(spec.base, ScratchBase) else len(preset.rungs)
    pack = largest_pack(shape(spec), memory=memory, cells=most, **sizes(spec, preset))
    fit = Fit(max(1, pack))
    while memory_of(spec, preset, fit) > memory:
        smaller = fit.smaller(preset.batch_size)
        if smaller is None:
            break
        fit = smaller
    return fit


def no_room(
    spec: OrganismSpec, preset: Preset, device: str, tried: Fit | None = None
) -> MobenchError:
    """The error where memory ran out and nothing smaller is left to try.

    Args:
        spec: The organism.
        preset: How much was to be trained.
        device: A torch device.
        tried: The way that did not fit; None where memory ran out before any training.
    """
    free = detect(device).model_memory_gb
    where = "on the GPU" if device.startswith("cuda") else "on this machine"
    smallest = tried or Fit(1, 1, recompute=True)
    fact = f"{spec.name} does not fit into memory"
    fact += f" with {tried.describe(preset.batch_size)}" if tried else ""
    needed = memory_of(spec, preset, smallest) / GIB
    return MobenchError(
        f"{fact}: about {needed:.1f} GiB are needed, and {free:.1f} GiB are free {where}",
        "end what else uses memory, or take a machine or a --device with more, and give the same "
        "command again: it goes on with what was kept",
    )
