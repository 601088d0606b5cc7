"""How large the numbers of a result can be, and how long its lists.

Each is far above any real one. What is beyond would not be wrong only: a plan of 10¹² doublings is
counted through, one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

from mobench.records.cells import CellRecord
from mobench.records.manifest import Manifest

MOST_CELLS = 2000
MOST_RUNGS = 100
MOST_SEEDS = 1000
MOST_STEPS = 10_000_000
MOST_PARAMS = 10**14
MOST_PROMPTS = 100_000
MOST_DRAWS = 100
MOST_DOUBLINGS = 8
LONGEST_TEXT = 2000
"""Characters of a text that a page shows."""


def bound_problems(manifest: Manifest) -> list[str]:
    """What of a manifest is larger than anything can be.

    Args:
        manifest: It, with all of its types right.
    """
    ladder, plan, organism = manifest.ladder, manifest.plan, manifest.organism
    draws = None if organism.decoding is None else organism.decoding.draws
    found = [
        *_counted("ladder.rungs", ladder.rungs, MOST_RUNGS),
        *_counted("cells", manifest.cells, MOST_CELLS),
        *_counted("controls", manifest.controls, MOST_CELLS),
        *_counted("extensions", manifest.extensions, MOST_RUNGS),
        *_within("ladder.seeds", ladder.seeds, 1, MOST_SEEDS),
        *_within("ladder.steps", ladder.steps, 1, MOST_STEPS),
        *_within("ladder.batch_size", ladder.batch_size, 1, MOST_STEPS),
        *_within("max_steps", manifest.max_steps, 1, MOST_STEPS),
        *_within("organism.params", organism.params, 1, MOST_PARAMS),
        *_within("organism.prompts", organism.prompts, 1, MOST_PROMPTS),
        *_within("organism.decoding.draws", draws, 1, MOST_DRAWS),
        *_rate("ladder.standard_lr", ladder.standard_lr),
    ]
    for lr in (ladder.rungs or ())[:MOST_RUNGS]:
        found += _rate("ladder.rungs", lr)
    if plan is not None:
        found += [
            *_within("plan.doublings", plan.doublings, 0, MOST_DOUBLINGS),
            *_within("plan.seeds", plan.seeds, 1, MOST_SEEDS),
            *_counted("plan.looks", plan.looks, MOST_RUNGS),
            *_counted("plan.grown", plan.grown, MOST_RUNGS),
            *_counted("plan.pending", plan.pending, MOST_CELLS),
        ]
    reasons = manifest.incompatible_because
    found += _counted("compatibility.reasons", reasons, MOST_RUNGS)
    for name, text in (
        ("organism.title", organism.title),
        ("organism.summary", organism.summary),
        ("organism.source", organism.source),
        ("organism.license", organism.license),
        ("task.why", manifest.task.why),
        ("command", manifest.command),
        *(("compatibility.reasons", reason) for reason in reasons[:MOST_RUNGS]),
    ):
        if text is not None and len(text) > LONGEST_TEXT:
            found.append(f"{name} has {len(text)} characters, and at most {LONGEST_TEXT} are shown")
    for name, seconds in (manifest.seconds or {}).items():
        found += _within(f"seconds.{name}", seconds, 0, 1e10)
    return found


def cell_bound_problems(cells: Sequence[CellRecord]) -> list[str]:
    """The same of a list of cells: one line for the first that is out of bounds in each way."""
    found = _counted("the list of cells", cells, MOST_CELLS)
    for index, cell in enumerate(cells[:MOST_CELLS]):
        found += [
            f"cell {index}: {problem}"
            for problem in (
                *_within("lr", cell["lr"], 0, 1),
                *_within("seed", cell["seed"], 0, MOST_SEEDS),
                *_within("steps", cell["steps"], 1, MOST_STEPS),
                *_within("train_seconds", cell.get("train_seconds"), 0, 1e10),
            )
        ]
    return found


def _counted(name: str, values: Sequence[object] | None, most: int) -> list[str]:
    count = 0 if values is None else len(values)
    return [f"{name} has {count} entries, and a result at most {most}"] if count > most else []


def _within(name: str, value: object, low: float, high: float) -> list[str]:
    if not isinstance(value, int | float) or low <= value <= high:
        return []
    return [f"{name} should be from {low:g} to {high:g}, got {value:g}"]


def _rate(name: str, lr: float) -> list[str]:
    return [] if 0 < lr < 1 else [f"{name} should be in the open interval (0, 1), got {lr:g}"]
