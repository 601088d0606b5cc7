"""What a run was to do by itself, and what it came to, in words for pages and the terminal."""

from __future__ import annotations

from mobench.publish.submission.plan_replay import asked_text, still_asked
from mobench.records.learning_rates import lr_text
from mobench.records.manifest import Manifest
from mobench.records.manifest_parts import GrownPart, PlanPart
from mobench.score import RunScore


def plan_rows(manifest: Manifest, score: RunScore) -> list[tuple[str, str]]:
    """Returns what stands beside a result about its plan; nothing where it had none.

    Args:
        manifest: The run's manifest.
        score: Its score.
    """
    plan = manifest.plan
    if plan is None:
        return []
    rows = [("plan", f"{_rules(plan)} (hash {plan.hash[:12]}){_later(plan)}")]
    if plan.grown:
        grown = (_grown(rung, manifest.ladder.steps) for rung in plan.grown)
        rows.append(("added by the plan", "; ".join(grown)))
    asked = still_asked(score, manifest)
    if asked or not plan.finished:
        what = asked_text(asked, manifest) or "more cells"
        rows.append(("NOT FINISHED", f"the plan asks for {what}"))
    return rows


def _rules(plan: PlanPart) -> str:
    text = f"{plan.seeds} seeds a rung"
    if not plan.looks:
        return f"{text}, no more are added"
    looks = ", then ".join(str(look) for look in plan.looks)
    return f"{text}; {looks}, and {2**plan.doublings} times the steps, where they decide"


def _later(plan: PlanPart) -> str:
    return ", CHANGED after cells had finished" if plan.changed_later else ""


def _grown(rung: GrownPart, usual: int | None) -> str:
    """Returns what a rung was given beyond its first seeds."""
    text = f"{rung.seeds} seeds"
    if rung.base > 1:
        text += f" and {rung.base} of the clean base"
    if rung.steps != usual:
        text += f" for {rung.steps} steps"
    return f"{text} at {lr_text(rung.lr)}"
