"""What a run will cost on this machine, before anything is built."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from mobench.machine.hardware import GIB, Hardware, matmul_flops
from mobench.plan.duration import estimated_seconds
from mobench.plan.extension import longest_budgets
from mobench.plan.grid import control_count
from mobench.plan.model_size import matmul_shape, model_shape, training_sizes
from mobench.plan.packing import MEMORY_SHARE, Packing, initial_packing, planned_memory
from mobench.plan.question_count import UNKNOWN
from mobench.plan.schedule import capability_checkpoints, checkpoints, cooldown_steps
from mobench.plan.sequential import likely_and_most, plan_of
from mobench.plan.workload import Workload, moment_bytes, workload
from mobench.registry import OrganismSpec
from mobench.registry.organism_spec import Preset

CPU_PROBE = 2e9
"""FLOPs of the matrix product by which a CPU's speed is measured, at most: a 7B model's own product
would take seconds."""


@dataclass(frozen=True)
class ExtensionCost:
    """What extending low rungs adds at most; what it really adds is decided by the ladder's result.

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
class GrowthCost:
    """What the sequential plan adds on top: in a likely case, or at most.

    Attributes:
        cells: Cells that are added; one of doubled budget counts as two.
        train_flops: Of training them.
        measure_flops: Of measuring them.
        disk_bytes: Of their adapters.
        seconds: Estimated time on this machine.
    """

    cells: int
    train_flops: float
    measure_flops: float
    disk_bytes: int
    seconds: float


@dataclass(frozen=True)
class RunCost:
    """What a run will take in cells, tokens, FLOPs, memory, disk and time.

    Attributes:
        cells: Rungs × seeds.
        controls: Cells beside them, in every figure but that of an extension.
        cooldowns: Cells that go on from the ladder's, in every figure too.
        cooldown_steps: Steps of each of these.
        batch_size: Examples of each cell in a step.
        pack: Cells in one pass.
        micro_batch: Examples of each cell in a forward pass; None for a whole batch.
        recompute: Whether activations are computed again in the backward pass.
        memory_bytes: Peak memory of one pack, where the model is.
        memory_planned_with: Bytes that it may take: a part of what is free now.
        seconds: Estimated time on this machine, without building the organism.
        train_bytes: Activations kept for backward passes, over all steps of all cells.
        capability_calls: Times that lm-eval is called.
        flops_per_second: This machine's speed at the model's own products.
        extension: On top of all that; None where low rungs are not to be extended.
        likely: On top too: two rungs decide, and get six seeds. None where no seeds are added.
        most: On top at most: every rung gets all seeds and twice the budget, the base too.
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
    cooldowns: int = 0
    cooldown_steps: int = 0
    likely: GrowthCost | None = None
    most: GrowthCost | None = None

    @property
    def packing(self) -> Packing:
        """How the run begins to put cells into memory."""
        return Packing(self.pack, self.micro_batch, self.recompute)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def run_cost(
    spec: OrganismSpec,
    preset: Preset,
    hardware: Hardware,
    max_steps: int | None = None,
    *,
    controls: bool = True,
    questions: int = UNKNOWN,
) -> RunCost:
    """Estimates what a run will cost; measures this machine's speed for that.

    Args:
        spec: The organism.
        preset: How much is trained.
        hardware: This machine.
        max_steps: Low rungs may be extended up to this many steps; None leaves them as they are.
        controls: Whether the controls are run too.
        questions: Capability questions that a model is asked each time.

    Raises:
        MobenchError: The model's size is not known.
    """
    # 1. How cells are packed into the memory that is free.
    shape, sizes = model_shape(spec), training_sizes(spec, preset)
    memory = hardware.model_memory_gb * GIB * MEMORY_SHARE
    packing = initial_packing(spec, preset, memory)

    # 2. The work of the ladder and its controls.
    def asked_at(cells: int, steps: int, *, times: int, with_capability: int) -> Workload:
        return workload(
            shape,
            cells=cells,
            recompute=packing.recompute,
            steps=steps,
            checkpoints=times,
            eval_prompts=len(spec.prompts) * spec.draws,
            capability_questions=questions,
            capability_checkpoints=with_capability,
            **sizes,
        )

    def work_of(cells: int, steps: int) -> Workload:
        kept = checkpoints(steps, preset.window_checkpoints)
        with_capability = capability_checkpoints(steps, preset.capability_checkpoints, kept)
        return asked_at(cells, steps, times=len(kept), with_capability=len(with_capability))

    control_cells = control_count(spec, preset) if controls else 0
    work = work_of(preset.cells + control_cells, preset.steps)
    cooldowns, cooldown = len(preset.rungs) * preset.cooldown_seeds, cooldown_steps(preset.steps)
    if cooldowns:
        # A cooldown is asked at its end alone.
        beside = asked_at(cooldowns, cooldown, times=1, with_capability=1)
        moments = cooldowns * moment_bytes(
            shape, method=sizes["method"], rank=sizes["rank"], dtype_bytes=sizes["dtype_bytes"]
        )
        beside = replace(beside, disk_bytes=beside.disk_bytes + moments)
        work = _added([work, beside], counted_once=work_of(0, cooldown))

    # 3. This machine's speed at the model's own matrix products.
    product = matmul_shape(
        shape,
        batch_size=preset.batch_size,
        tokens_per_example=sizes["tokens_per_example"],
        pack=packing.pack,
    )
    if not hardware.device.startswith("cuda"):
        rows = max(16, min(product[0], int(CPU_PROBE / (2 * product[1] * product[2]))))
        product = (rows, *product[1:])
    speed = matmul_flops(hardware.device, spec.dtype, shape=product)
    added = likely_and_most(plan_of(preset), preset, base=control_cells > 2)
    return RunCost(
        cells=preset.cells,
        rungs=preset.rungs,
        seeds=preset.seeds,
        steps=preset.steps,
        batch_size=preset.batch_size,
        pack=packing.pack,
        micro_batch=packing.micro_batch,
        recompute=packing.recompute,
        train_tokens=work.train_tokens,
        train_flops=work.train_flops,
        measure_flops=work.measure_flops,
        memory_bytes=planned_memory(spec, preset, packing),
        memory_planned_with=int(memory),
        disk_bytes=work.disk_bytes,
        seconds=estimated_seconds(work, speed, hardware.device),
        device=hardware.device,
        train_bytes=work.train_bytes,
        capability_calls=work.capability_calls,
        flops_per_second=speed,
        extension=None
        if max_steps is None
        else _extension_cost(
            spec, preset, max_steps, work_of=work_of, speed=speed, device=hardware.device
        ),
        likely=None if added is None else _growth_cost(added[0], work_of, preset, speed, hardware),
        most=None if added is None else _growth_cost(added[1], work_of, preset, speed, hardware),
        controls=control_cells,
        cooldowns=cooldowns,
        cooldown_steps=cooldown if cooldowns else 0,
    )


def _growth_cost(
    cells: int,
    work_of: Callable[[int, int], Workload],
    preset: Preset,
    speed: float,
    hardware: Hardware,
) -> GrowthCost:
    """Returns what so many more cells of the ordinary budget cost."""
    known = work_of(0, preset.steps)
    more = work_of(cells, preset.steps)
    work = Workload(
        **{
            field.name: getattr(more, field.name) - getattr(known, field.name)
            for field in fields(Workload)
        }
    )
    return GrowthCost(
        cells=cells,
        train_flops=work.train_flops,
        measure_flops=work.measure_flops,
        disk_bytes=work.disk_bytes,
        seconds=estimated_seconds(work, speed, hardware.device),
    )


def _added(parts: Sequence[Workload], *, counted_once: Workload) -> Workload:
    """Returns several workloads as one.

    Args:
        parts: Every one of them counts measuring organism and clean base before training.
        counted_once: That, which is done but once.
    """

    def total(field: str) -> Any:
        whole = sum(getattr(part, field) for part in parts)
        return whole - (len(parts) - 1) * getattr(counted_once, field)

    return Workload(**{field.name: total(field.name) for field in fields(Workload)})


def _extension_cost(
    spec: OrganismSpec,
    preset: Preset,
    max_steps: int,
    *,
    work_of: Callable[[int, int], Workload],
    speed: float,
    device: str,
) -> ExtensionCost:
    """Returns the most that extending low rungs can cost, whatever the ordinary ladder shows."""
    longer = longest_budgets(
        preset.rungs,
        standard_lr=spec.ladder.standard_lr,
        steps=preset.steps,
        max_steps=max_steps,
    )
    parts = [work_of(preset.seeds, steps) for steps in longer.values()]
    # Every workload counts measuring organism and clean base before training; that is done once.
    known = work_of(0, preset.steps)
    total = Workload(
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
        seconds=estimated_seconds(total, speed, device),
    )
