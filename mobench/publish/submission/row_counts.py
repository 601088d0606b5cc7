"""Whether every answer is there that was to be given: none missing, none too many.

A row that is left out could be the one that went badly. What each model is asked at each checkpoint
follows from the cells, so it can be counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mobench.records.cells import FinishedCell
from mobench.records.manifest import Manifest
from mobench.records.names import EVAL_KINDS, UNTRAINED
from mobench.score.columns import Columns

_ENOUGH = 20
Place = tuple[str, str, str, int]
"""Cell, kind, capability task, step."""


def count_problems(
    manifest: Manifest, cells: Sequence[FinishedCell], columns: Columns
) -> list[str]:
    """Holds the number of rows at each checkpoint against what was asked there.

    Args:
        manifest: The run's manifest.
        cells: Its cells, with the checkpoints that they reached.
        columns: Its rows.
    """
    have = _counted(columns)
    questions = {
        task: count
        for (cell, kind, task, _), count in have.items()
        if cell == "organism" and kind == "capability"
    }
    found = _suite_problems(manifest, questions)
    prompts = have.get(("organism", "attack", "", 0), 0)
    # Before training the clean base is asked too, where there is one.
    wanted: dict[Place, int] = {}
    for who in UNTRAINED:
        if who == "organism" or any(place[0] == who for place in have):
            wanted |= {(who, kind, "", 0): prompts for kind in EVAL_KINDS}
            wanted |= {(who, "capability", task, 0): n for task, n in questions.items()}
    for cell in cells:
        wanted |= _of_cell(cell, prompts, questions)
    for place in sorted(wanted.keys() | have.keys()):
        planned, there = wanted.get(place, 0), have.get(place, 0)
        if planned != there:
            cell_id, kind, task, step = place
            what = f"{kind} {task}".strip()
            found.append(f"cell {cell_id!r}, step {step}: {there} {what} rows, not {planned}")
        if len(found) >= _ENOUGH:
            break
    return found


def _of_cell(cell: FinishedCell, prompts: int, questions: Mapping[str, int]) -> dict[Place, int]:
    """How many rows a cell has at each checkpoint."""
    reached: list[int] = [step for step in cell.get("checkpoints", []) if step > 0]
    with_capability = [s for s in cell.get("capability_checkpoints", []) if s in reached]
    name = cell["id"]
    wanted = {(name, "attack", "", step): prompts for step in reached}
    wanted |= {(name, "control", "", step): prompts for step in with_capability}
    for task, count in questions.items():
        wanted |= {(name, "capability", task, step): count for step in with_capability}
    return wanted


def _suite_problems(manifest: Manifest, questions: Mapping[str, int]) -> list[str]:
    """Whether the organism was asked the suite that the manifest names."""
    if manifest.capability is None:
        return []
    named = {one.task for one in manifest.capability}
    found = [f"no rows of the capability task {task!r}" for task in sorted(named - set(questions))]
    found += [f"rows of {task!r}, which is not in the suite" for task in set(questions) - named]
    found += [
        f"{questions[one.task]} questions of {one.task!r}, and the manifest says {one.questions}"
        for one in manifest.capability
        if one.questions is not None and questions.get(one.task, one.questions) != one.questions
    ]
    return found


def prompt_problems(columns: Columns) -> list[str]:
    """Whether each checkpoint was asked the same prompts and questions as the untrained organism.

    Args:
        columns: All rows; each place has as many as it should.
    """
    kinds, tasks, cells = columns.kind.values, columns.task.values, columns.cell.values
    organism = cells.index("organism")
    key = columns.kind.codes * len(tasks) + columns.task.codes
    found = []
    for number in np.unique(key).tolist():
        mine = key == number
        own = mine & (columns.cell.codes == organism)
        strange = mine & ~np.isin(columns.prompt.codes, columns.prompt.codes[own])
        if strange.any():
            first = int(np.argmax(strange))
            what = f"{kinds[number // len(tasks)]} {tasks[number % len(tasks)]}".strip()
            prompt = columns.prompt.values[columns.prompt.codes[first]]
            found.append(f"line {first + 1}: {what} {prompt!r} was not asked before training")
    return found


def _counted(columns: Columns) -> dict[Place, int]:
    """How many rows there are of each cell, kind, task and step."""
    steps = columns.step.values
    place = columns.group * len(steps) + columns.step.codes
    numbers, counts = np.unique(place, return_counts=True)
    found = {}
    for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
        group, step = divmod(number, len(steps))
        pair, task = divmod(group, len(columns.task.values))
        cell, kind = divmod(pair, len(columns.kind.values))
        key = (
            columns.cell.values[cell],
            columns.kind.values[kind],
            columns.task.values[task],
            int(steps[step]),
        )
        found[key] = count
    return found
