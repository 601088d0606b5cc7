"""What must be true of a submitted result's sequential plan; results from before have none."""

from __future__ import annotations

from collections.abc import Sequence

from mobench.plan.sequential import plan_hash
from mobench.records.cells import FinishedCell, arm_of
from mobench.records.learning_rates import lr_text
from mobench.records.manifest import Manifest
from mobench.records.manifest_parts import GrownPart


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
    if rung.base not in (0, 1, plan.seeds, *plan.looks) or rung.base > rung.seeds:
        found.append(f"{rung.base} seeds of the clean base are none of its looks")
    if ladder.steps is not None:
        budgets = [ladder.steps * 2**count for count in range(plan.doublings + 1)]
        if rung.steps not in budgets:
            found.append(f"{rung.steps} steps are none of its budgets")
    return found


def seed_problems(cells: Sequence[FinishedCell], manifest: Manifest) -> list[str]:
    """Seeds that a plan did not ask for: it takes the first ones, and nobody chooses among them.

    Args:
        cells: The ladder's cells.
        manifest: The run's manifest.
    """
    if manifest.plan is None:
        return []
    found = []
    for lr in manifest.ladder.rungs or ():
        seeds = sorted(cell["seed"] for cell in cells if cell["lr"] == lr)
        if seeds != list(range(len(seeds))):
            found.append(f"LR {lr:g}: seeds {seeds}, but the plan takes them from 0 on")
    return found


def base_problems(cells: Sequence[FinishedCell], manifest: Manifest) -> list[str]:
    """Rungs at which the clean base was not trained as the plan says.

    Args:
        cells: The controls' cells.
        manifest: The run's manifest. Without a plan, or any cell of the base, nothing is asked for.
    """
    base = [cell for cell in cells if arm_of(cell) == "base"]
    if manifest.plan is None or not base or manifest.ladder.steps is None:
        return []
    grown = {rung.lr: rung for rung in manifest.plan.grown if rung.base}
    found = []
    for lr in manifest.ladder.rungs or ():
        rung = grown.get(lr)
        # One control stands at each rung; of a doubled budget others take its place.
        seeds, steps = (1, manifest.ladder.steps) if rung is None else (rung.base, rung.steps)
        have = sorted((cell["seed"], cell["steps"]) for cell in base if cell["lr"] == lr)
        if have != [(seed, steps) for seed in range(seeds)]:
            told = ", ".join(f"seed {seed} for {budget} steps" for seed, budget in have) or "none"
            found.append(
                f"the clean base at {lr_text(lr)}: {told}; the plan has {seeds} from 0 on "
                f"for {steps} steps"
            )
    return found
