"""What a run will cost on this machine, before anything is built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from mobench.machine.hardware import GIB, Hardware, matmul_flops
from mobench.plan.cells import control_count
from mobench.plan.cost import Cost, estimate
from mobench.plan.duration import time_estimate
from mobench.plan.extension import at_most
from mobench.plan.memory_budget import SHARE, first_that_fits, memory_of
from mobench.plan.model_size import matmul_shape
from mobench.plan.organism_size import shape, sizes
from mobench.plan.packing import Fit
from mobench.plan.schedule import capability_checkpoints, checkpoints
from mobench.registry import OrganismSpec, TaskDef
from mobench.registry.organism_spec import Preset

QUESTIONS = 200
"""Capability questions assumed where lm-eval's own tasks tell their number only when loaded."""
CPU_PROBE = 2e9
"""FLOPs of the product by which a CPU's speed is measured: a 7B's own would take seconds."""


@dataclass(frozen=True)
class ExtensionCost:
    """What extending low rungs adds at most; what it really adds depends on the ladder's result.

    Attributes:
        cells: Cells that may be run again.
        steps: The most that any of them may be given.
        seconds: Estimated time on this machine.
    """

    cells: int
    steps: int
    train_tokens: int
    train_flops: float
    measure_flops: float
    disk_bytes: int
    seconds: float


@dataclass(frozen=True)
class RunCost:
    """The plan in figures.

    Attributes:
        cells: Rungs × seeds.
        controls: Cells beside them, in every figure but that of an extension.
        batch_size: Examples of each cell in a step.
        pack: Cells in one pass.
        micro_batch: Examples of each cell in a forward pass; None for a whole batch.
        recompute: Whether activations are computed again in the backward pass.
        memory_bytes: Peak memory of one pack, where the model is.
        memory_planned_with: Bytes that it may take: a part of what is free now.
        seconds: Estimated time on this machine, without building the organism; None where the
            model's size is not known.
        train_bytes: Activations kept for backward passes, over all steps of all cells.
        capability_calls: Times that lm-eval is called.
        flops_per_second: This machine's speed at the model's own products.
        extension: On top of all that; None where low rungs are not to be extended.
    """

    cells: int
    rungs: tuple[float, ...]
    seeds: int
    steps: int
    batch_size: int
    pack: int
    micro_batch: int | None
    recompute: bool
    train_tokens: int
    train_flops: float
    measure_flops: float
    memory_bytes: int
    memory_planned_with: int
    disk_bytes: int
    seconds: float
    device: str
    train_bytes: float
    capability_calls: int
    flops_per_second: float
    extension: ExtensionCost | None = None
    controls: int = 0

    @property
    def fit(self) -> Fit:
        """How a run begins to put cells into memory."""
        return Fit(self.pack, self.micro_batch, self.recompute)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def cost_of(
    spec: OrganismSpec,
    preset: Preset,
    hardware: Hardware,
    max_steps: int | None = None,
    *,
    controls: bool = True,
) -> RunCost:
    """Plans a run.

    Args:
        spec: The organism.
        preset: How much is trained.
        hardware: This machine.
        max_steps: Low rungs may be extended up to this many steps; None leaves them as they are.
        controls: Whether the controls are run too.

    Raises:
        MobenchError: The model's size is not known.
    """
    model, plan = shape(spec), sizes(spec, preset)
    free = hardware.model_memory_gb * GIB * SHARE
    fit = first_that_fits(spec, preset, free)

    def costs(cells: int, steps: int) -> Cost:
        kept = checkpoints(steps, preset.window_checkpoints)
        with_capability = capability_checkpoints(steps, preset.capability_checkpoints, kept)
        return estimate(
            model,
            cells=cells,
            recompute=fit.recompute,
            steps=steps,
            checkpoints=len(kept),
            eval_prompts=len(spec.prompts),
            capability_questions=QUESTIONS,
            capability_checkpoints=len(with_capability),
            **plan,
        )

    beside = control_count(spec, preset) if controls else 0
    cost = costs(preset.cells + beside, preset.steps)
    product = matmul_shape(
        model,
        batch_size=preset.batch_size,
        tokens_per_example=plan["tokens_per_example"],
        pack=fit.pack,
    )
    if not hardware.device.startswith("cuda"):
        rows = max(16, min(product[0], int(CPU_PROBE / (2 * product[1] * product[2]))))
        product = (rows, *product[1:])
    speed = matmul_flops(hardware.device, spec.dtype, shape=product)
    return RunCost(
        cells=preset.cells,
        rungs=preset.rungs,
        seeds=preset.seeds,
        steps=preset.steps,
        batch_size=preset.batch_size,
        pack=fit.pack,
        micro_batch=fit.micro_batch,
        recompute=fit.recompute,
        train_tokens=cost.train_tokens,
        train_flops=cost.train_flops,
        measure_flops=cost.measure_flops,
        memory_bytes=memory_of(spec, preset, fit),
        memory_planned_with=int(free),
        disk_bytes=cost.disk_bytes,
        seconds=time_estimate(cost, speed, hardware.device),
        device=hardware.device,
        train_bytes=cost.train_bytes,
        capability_calls=cost.capability_calls,
        flops_per_second=speed,
        extension=_extension(spec, preset, max_steps, costs, speed, hardware.device),
        controls=beside,
    )


def _extension(
    spec: OrganismSpec,
    preset: Preset,
    max_steps: int | None,
    costs: Callable[[int, int], Cost],
    speed: float,
    device: str,
) -> ExtensionCost | None:
    """The dearest that a result of the ordinary ladder could make of ``--max-steps``."""
    if max_steps is None:
        return None
    longer = at_most(
        preset.rungs,
        standard_lr=spec.ladder.standard_lr,
        steps=preset.steps,
        max_steps=max_steps,
    )
    parts = [costs(preset.seeds, steps) for steps in longer.values()]
    # The two models before training are in every estimate, and are not measured again.
    known = costs(0, preset.steps)
    total = Cost(
        train_tokens=sum(part.train_tokens for part in parts),
        train_flops=sum(part.train_flops for part in parts),
        measure_flops=sum(part.measure_flops - known.measure_flops for part in parts),
        disk_bytes=sum(part.disk_bytes - known.disk_bytes for part in parts),
        train_bytes=sum(part.train_bytes for part in parts),
        capability_calls=sum(part.capability_calls - known.capability_calls for part in parts),
    )
    return ExtensionCost(
        cells=len(longer) * preset.seeds,
        steps=max(longer.values(), default=preset.steps),
        train_tokens=total.train_tokens,
        train_flops=total.train_flops,
        measure_flops=total.measure_flops,
        disk_bytes=total.disk_bytes,
        seconds=time_estimate(total, speed, device),
    )


def describe_cost(spec: OrganismSpec, task: TaskDef, cost: RunCost) -> str:
    """The plan as people read it."""
    rungs = ", ".join(f"{lr:g}" for lr in cost.rungs)
    lines = [
        f"{spec.name} on {task.name}, {spec.ladder.method}",
        f"  cells   {cost.cells} = {len(cost.rungs)} rungs ({rungs}) × {cost.seeds} seeds"
        + (f", and {cost.controls} controls" if cost.controls else ""),
        f"  steps   {cost.steps} in each cell, {cost.fit.describe(cost.batch_size)}",
        f"  tokens  {cost.train_tokens:,} to train on",
        f"  FLOPs   {cost.train_flops:.2g} training, {cost.measure_flops:.2g} measuring",
        f"  memory  {_memory(cost)}",
        f"  disk    {cost.disk_bytes / GIB:.1f} GiB of adapters",
        f"  time    about {_duration(cost.seconds)} on {cost.device}, the organism built",
    ]
    more = cost.extension
    if more is not None and more.cells == 0:
        lines.append("  longer  no rung: none is above the standard one, or the bound is too low")
    elif more is not None:
        lines += [
            f"  longer  at most {more.cells} cells of low rungs once more, for up to "
            f"{more.steps} steps:",
            f"          at most {more.train_tokens:,} tokens, "
            f"{more.train_flops + more.measure_flops:.2g} FLOPs, "
            f"{more.disk_bytes / GIB:.1f} GiB, about {_duration(more.seconds)} on top",
        ]
    return "\n".join(lines)


def _memory(cost: RunCost) -> str:
    """What a pack needs, and whether that is there."""
    needed = f"{cost.memory_bytes / GIB:.1f} GiB"
    if cost.memory_bytes <= cost.memory_planned_with:
        return needed
    return (
        f"{needed}, more than the {cost.memory_planned_with / GIB:.1f} GiB to be planned with here "
        f"({SHARE:.0%} of what is free): it may not fit"
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
