"""What a run will cost on this machine, before anything is built."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from mobench.machine.devices import first_of
from mobench.machine.hardware import GIB, Hardware, matmul_flops
from mobench.plan.answering import QUESTION_ROWS_ON_GPU
from mobench.plan.cost_record import ExtensionCost, RunCost
from mobench.plan.duration import Seconds, estimated_seconds
from mobench.plan.extension import longest_budgets
from mobench.plan.grid import control_count, has_clean_base
from mobench.plan.growth_cost import Added, PlanCost, likely_growth, most_growth
from mobench.plan.model_size import matmul_shape, model_shape, training_sizes
from mobench.plan.pack_memory import RUNTIME_BYTES
from mobench.plan.packing import (
    initial_packing,
    on_gpu,
    plannable_bytes,
    planned_memory,
)
from mobench.plan.question_load import QuestionLoad
from mobench.plan.schedule import capability_checkpoints, checkpoints, cooldown_steps
from mobench.plan.sequential import plan_of
from mobench.plan.workload import Workload, moment_bytes, plus, together, workload
from mobench.registry import OrganismSpec
from mobench.registry.organism_spec import Preset

CPU_PROBE = 2e9
"""FLOPs of the matrix product by which a CPU's speed is measured, at most: a 7B model's own product
would take seconds."""


def run_cost(
    spec: OrganismSpec,
    preset: Preset,
    hardware: Hardware,
    max_steps: int | None = None,
    *,
    capability: Sequence[QuestionLoad],
    controls: bool = True,
    engine: str = "hf",
    judge_bytes: int = 0,
    tensor_parallel: int = 1,
) -> RunCost:
    """Estimates what a run will cost; measures this machine's speed for that.

    Args:
        spec: The organism.
        preset: How much is trained.
        hardware: This machine.
        max_steps: Low rungs may be extended up to this many steps; None leaves them as they are.
        capability: What capability tasks ask each time.
        controls: Whether the controls are run too.
        engine: What answers: ``hf`` or ``vllm``.
        judge_bytes: Memory that a judging model takes beside the organism.
        tensor_parallel: GPUs that vLLM divides a model among.

    Raises:
        MobenchError: The model's size is not known.
    """
    shape, sizes = model_shape(spec), training_sizes(spec, preset)
    memory = plannable_bytes(hardware) - judge_bytes
    packing = initial_packing(spec, preset, memory, hardware.device)
    product = matmul_shape(
        shape,
        batch_size=preset.batch_size,
        tokens_per_example=sizes["tokens_per_example"],
        pack=packing.pack,
    )
    if not hardware.device.startswith("cuda"):
        rows = max(16, min(product[0], int(CPU_PROBE / (2 * product[1] * product[2]))))
        product = (rows, *product[1:])
    # A CPU with instructions for it multiplies bfloat16 several times as fast, and a model is no
    # faster there: SmolLM2-135M in bfloat16 got through 1.4e11 FLOP/s of its plan, as in float32.
    dtype = "float32" if hardware.device == "cpu" else spec.dtype
    return cost_at_speed(
        spec,
        preset,
        hardware,
        max_steps,
        speed=matmul_flops(first_of(hardware.device), dtype, shape=product),
        capability=capability,
        controls=controls,
        engine=engine,
        judge_bytes=judge_bytes,
        tensor_parallel=tensor_parallel,
    )


def cost_at_speed(
    spec: OrganismSpec,
    preset: Preset,
    hardware: Hardware,
    max_steps: int | None = None,
    *,
    speed: float,
    capability: Sequence[QuestionLoad],
    controls: bool,
    engine: str,
    judge_bytes: int,
    tensor_parallel: int = 1,
) -> RunCost:
    """Returns what a run will cost on a machine whose speed is known; nothing is measured.

    Args:
        spec: The organism.
        preset: How much is trained.
        hardware: The machine.
        max_steps: Low rungs may be extended up to this many steps; None leaves them as they are.
        speed: FLOPs per second at the model's own products.
        capability: What capability tasks ask each time.
        controls: Whether the controls are run too.
        engine: What answers: ``hf`` or ``vllm``.
        judge_bytes: Memory that a judging model takes beside the organism.
        tensor_parallel: GPUs that vLLM divides a model among.

    Raises:
        MobenchError: The model's size is not known.
    """
    # 1. How cells are packed into the memory that is free.
    shape, sizes = model_shape(spec), training_sizes(spec, preset)
    memory, device = plannable_bytes(hardware), hardware.device
    packing = initial_packing(spec, preset, memory - judge_bytes, device)

    # 2. The work of the ladder and its controls. Cells that may go on keep moments.
    plan = plan_of(preset)
    moments = moment_bytes(
        shape, method=sizes["method"], rank=sizes["rank"], dtype_bytes=sizes["dtype_bytes"]
    )
    grows = bool(plan.doublings) or max_steps is not None

    answering: dict[str, Any] = {}
    if on_gpu(device):
        weights = RUNTIME_BYTES + shape.params * sizes["dtype_bytes"] + judge_bytes
        room = hardware.model_memory_gb * GIB - weights
        answering = {"question_rows": QUESTION_ROWS_ON_GPU, "cache_bytes": max(0.0, room)}

    def asked_at(cells: int, steps: int, times: int, with_capability: int) -> Workload:
        found = workload(
            shape,
            cells=cells,
            pack=packing.pack,
            recompute=packing.recompute,
            steps=steps,
            checkpoints=times,
            eval_prompts=len(spec.prompts) * spec.draws,
            answer_tokens=spec.max_new_tokens,
            **answering,
            capability=capability,
            capability_checkpoints=with_capability,
            **sizes,
        )
        return replace(found, disk_bytes=found.disk_bytes + (cells * moments if grows else 0))

    def work_of(cells: int, steps: int) -> Workload:
        kept = checkpoints(steps, preset.window_checkpoints)
        with_capability = capability_checkpoints(steps, preset.capability_checkpoints, kept)
        return asked_at(cells, steps, len(kept), len(with_capability))

    control_cells = control_count(spec, preset) if controls else 0
    work = work_of(preset.cells + control_cells, preset.steps)
    cooldowns, cooldown = len(preset.rungs) * preset.cooldown_seeds, cooldown_steps(preset.steps)
    if cooldowns:
        # A cooldown is asked at its end alone.
        beside = asked_at(cooldowns, cooldown, 1, 1)
        beside = replace(beside, disk_bytes=beside.disk_bytes + cooldowns * moments)
        work = together([work, beside], counted_once=work_of(0, cooldown))

    def timed(work: Workload, by: str = engine) -> Seconds:
        return estimated_seconds(work, speed, device, by, tensor_parallel=tensor_parallel)

    # 3. What the plan may add to all that.
    first_steps = (preset.cells + control_cells) * preset.steps + cooldowns * cooldown
    first = (preset.cells + control_cells + cooldowns, first_steps)

    def grown(parts: Sequence[Added]) -> PlanCost:
        works = [work, *(part.work(preset, asked_at) for part in parts)]
        whole = together(works, counted_once=work_of(0, preset.steps))
        return _planned(whole, parts, first, timed(whole).total)

    base = controls and has_clean_base(spec)
    cases = [(), likely_growth(plan, preset, base=base), most_growth(plan, preset, base=base)]
    least, likely, most = map(grown, cases) if any(cases) else (None, None, None)
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
        memory_bytes=planned_memory(spec, preset, packing, device) + judge_bytes,
        judge_bytes=judge_bytes,
        memory_planned_with=int(memory),
        disk_bytes=work.disk_bytes,
        seconds=timed(work).total,
        engine=engine,
        parts=timed(work),
        by_vllm=timed(work, "vllm").total if device.startswith("cuda") and engine == "hf" else None,
        device=device,
        gpus=hardware.gpus,
        tensor_parallel=tensor_parallel,
        train_bytes=work.train_bytes,
        capability_calls=work.capability_calls,
        flops_per_second=speed,
        extension=None
        if max_steps is None
        else _extension_cost(spec, preset, max_steps, work_of=work_of, timed=timed),
        least=least,
        likely=likely,
        most=most,
        controls=control_cells,
        cooldowns=cooldowns,
        cooldown_steps=cooldown if cooldowns else 0,
    )


def _planned(
    work: Workload, parts: Sequence[Added], first: tuple[int, int], seconds: float
) -> PlanCost:
    """Returns a whole run's cost.

    Args:
        work: All its work.
        parts: What the plan added.
        first: Cells and steps of all else.
        seconds: How long it takes.
    """
    return PlanCost(
        cells=first[0] + sum(part.cells for part in parts),
        steps=first[1] + sum(part.cells * part.steps for part in parts),
        train_tokens=work.train_tokens,
        train_flops=work.train_flops,
        measure_flops=work.measure_flops,
        disk_bytes=work.disk_bytes,
        seconds=seconds,
    )


def _extension_cost(
    spec: OrganismSpec,
    preset: Preset,
    max_steps: int,
    *,
    work_of: Callable[[int, int], Workload],
    timed: Callable[[Workload], Seconds],
) -> ExtensionCost:
    """Returns the most that extending low rungs can cost, whatever the ordinary ladder shows.

    A rung that the plan has grown is extended with all its seeds, and one whose budget was doubled
    may have removed the behavior that late.
    """
    plan = plan_of(preset)
    seeds = max((preset.seeds, *plan.looks))
    longer = longest_budgets(
        preset.rungs,
        standard_lr=spec.ladder.standard_lr,
        steps=preset.steps,
        removed_by=preset.steps * 2**plan.doublings,
        max_steps=max_steps,
    )
    parts = [work_of(seeds, steps) for steps in longer.values()]
    # Every workload counts measuring organism and clean base before training; that is done once.
    known = work_of(0, preset.steps)
    total = reduce(plus, parts, plus(known, known, -1))
    total = plus(total, known, -len(parts))
    return ExtensionCost(
        cells=len(longer) * seeds,
        steps=max(longer.values(), default=preset.steps),
        train_tokens=total.train_tokens,
        train_flops=total.train_flops,
        measure_flops=total.measure_flops,
        disk_bytes=total.disk_bytes,
        seconds=timed(total).total if parts else 0.0,
    )
