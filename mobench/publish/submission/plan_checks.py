"""What must be true of a submitted result's sequential plan; results from before have none."""

from __future__ import annotations

from mobench.plan.sequential import plan_hash
from mobench.records.manifest import GrownPart, Manifest


def grown_rungs(manifest: Manifest) -> list[GrownPart]:
    """Returns the rungs that the plan gave more than their first seeds."""
    return [] if manifest.plan is None else manifest.plan.grown


def seeds_planned(lr: float, manifest: Manifest) -> int:
    """Returns how many seeds a rung has by the plan."""
    grown = {rung.lr: rung.seeds for rung in grown_rungs(manifest)}
    return grown.get(lr, manifest.ladder.seeds or 0)


def plan_problems(manifest: Manifest) -> list[str]:
    """Problems with the plan itself.

    A plan that has not come to its end says nothing yet: whoever stops where it looks best has
    chosen among looks.

    Args:
        manifest: The run's manifest.
    """
    plan, ladder = manifest.plan, manifest.ladder
    if plan is None:
        return []
    found = []
    if not plan.finished or plan.pending:
        command = manifest.command or "mobench run"
        found.append(f"its plan asks for more cells; go on with: {command}")
    if plan.seeds != ladder.seeds:
        found.append(f"its plan has {plan.seeds} seeds at first, the ladder {ladder.seeds}")
    if ladder.rungs is not None and ladder.steps is not None:
        rules = plan.model_dump()
        right = plan_hash(
            rules, rungs=ladder.rungs, steps=ladder.steps, standard_lr=ladder.standard_lr
        )
        if plan.hash != right:
            found.append(f"its plan's hash {plan.hash!r} is not that of the plan")
    for rung in plan.grown:
        found += [f"its plan at LR {rung.lr:g}: {what}" for what in _grown_problems(rung, manifest)]
    return found


def _grown_problems(rung: GrownPart, manifest: Manifest) -> list[str]:
    """What a plan could not have asked for at a rung."""
    plan, ladder = manifest.plan, manifest.ladder
    assert plan is not None
    found = []
    if ladder.rungs is not None and rung.lr not in ladder.rungs:
        found.append("no rung of the ladder")
    if rung.seeds not in (plan.seeds, *plan.looks):
        found.append(f"{rung.seeds} seeds are none of its looks")
    if ladder.steps is not None:
        budgets = [ladder.steps * 2**count for count in range(plan.doublings + 1)]
        if rung.steps not in budgets:
            found.append(f"{rung.steps} steps are none of its budgets")
    return found
