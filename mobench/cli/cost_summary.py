"""What a run will cost, as ``mobench run --dry-run`` prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobench.machine.hardware import GIB
from mobench.plan.packing import MEMORY_SHARE

if TYPE_CHECKING:
    from mobench.plan.cost_record import RunCost
    from mobench.plan.duration import Seconds
    from mobench.registry import OrganismSpec, TaskDef


def cost_summary(spec: OrganismSpec, task: TaskDef, cost: RunCost) -> str:
    """Returns the cost of a run as lines of text.

    Args:
        spec: The organism.
        task: What it is trained on.
        cost: What the run will take.
    """
    rungs = ", ".join(f"{lr:g}" for lr in cost.rungs)
    least = "at least " if cost.least else ""
    lines = [
        f"{spec.name} on {task.name}, {spec.ladder.method}",
        f"  cells   {least}{cost.cells} = {len(cost.rungs)} rungs ({rungs}) × {cost.seeds} seeds"
        + (f", and {cost.controls} controls" if cost.controls else ""),
        f"  steps   {cost.steps} in each cell, {cost.packing.describe(cost.batch_size)}",
        *_cooldown(cost),
        f"  tokens  {cost.train_tokens:,} to train on",
        f"  FLOPs   {cost.train_flops:.2g} training, {cost.measure_flops:.2g} measuring",
        f"  memory  {_memory(cost)}",
        f"  disk    {cost.disk_bytes / GIB:.1f} GiB of adapters",
        f"  time    about {_duration(cost.seconds)} on {cost.device}, the organism built",
        f"          {_parts(cost.parts)}",
        *_other_engine(cost),
        *_plan(cost),
    ]
    extension = cost.extension
    if extension is not None and extension.cells == 0:
        lines.append("  longer  no rung: none is above the standard one, or the bound is too low")
    elif extension is not None:
        lines += [
            f"  longer  at most {extension.cells} cells of low rungs once more, for up to "
            f"{extension.steps} steps:",
            f"          at most {extension.train_tokens:,} tokens, "
            f"{extension.train_flops + extension.measure_flops:.2g} FLOPs, "
            f"{extension.disk_bytes / GIB:.1f} GiB, about {_duration(extension.seconds)} on top",
        ]
    return "\n".join(lines)


def _plan(cost: RunCost) -> list[str]:
    """Returns what the whole run takes by its plan, from nothing added to everything."""
    from mobench.publish.pages.narrow_table import fitted_table, terminal_width

    lines = [
        [
            name,
            f"{planned.cells:,}",
            f"{planned.steps:,}",
            f"{planned.train_tokens:,}",
            f"{planned.train_flops + planned.measure_flops:.2g}",
            f"{planned.disk_bytes / GIB:.1f} GiB",
            _duration(planned.seconds),
        ]
        for name, planned in (
            ("least", cost.least),
            ("likely", cost.likely),
            ("most", cost.most),
        )
        if planned is not None
    ]
    if not lines:
        return []
    head = ["", "cells", "steps in all", "tokens", "FLOPs", "disk", "time"]
    width = terminal_width()
    table = fitted_table(
        head,
        lines,
        width=None if width is None else width - 10,
        form="plain",
        colalign=["left", *["right"] * (len(head) - 1)],
    )
    return [
        "  plan    seeds and steps are added where the verdict is open; the whole run then takes",
        *(f"          {line}" for line in table.splitlines()),
    ]


def _cooldown(cost: RunCost) -> list[str]:
    """Returns the line on cells that go on from the ladder's, if there are any."""
    if not cost.cooldowns:
        return []
    cells = f"{cost.cooldowns} cells of the ladder go on for {cost.cooldown_steps} steps"
    return [f"  cooled  {cells} while the rate decays to nothing"]


def _parts(parts: Seconds) -> str:
    """Returns what most of the time goes into, most of it first."""
    named = {
        "training": parts.training,
        "attack and control answers": parts.attack,
        "capability questions": parts.capability,
        "starting vLLM": parts.engine,
    }
    most = sorted(named.items(), key=lambda part: part[1], reverse=True)
    return ", ".join(
        f"{seconds / max(parts.total, 1e-9):.0%} {name}"
        for name, seconds in most
        if seconds >= 0.05 * parts.total
    )


def _other_engine(cost: RunCost) -> list[str]:
    """Returns the line that recommends vLLM, where it would save a quarter of the time or more."""
    if cost.by_vllm is None or cost.by_vllm > 0.75 * cost.seconds:
        return []
    return [
        f"          --engine vllm: about {_duration(cost.by_vllm)} (pip install 'mobench[vllm]')"
    ]


def _memory(cost: RunCost) -> str:
    """Returns the memory that a pack needs, and whether that much is free."""
    needed = f"{cost.memory_bytes / GIB:.1f} GiB"
    needed += f" over {cost.gpus} GPUs" if cost.gpus > 1 else ""
    if cost.judge_bytes:
        needed += f", of which {cost.judge_bytes / GIB:.1f} GiB are the judge's"
    if cost.memory_bytes <= cost.memory_planned_with:
        return needed
    return (
        f"{needed}, more than the {cost.memory_planned_with / GIB:.1f} GiB to be planned with here "
        f"({MEMORY_SHARE:.0%} of what is free): it may not fit"
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
