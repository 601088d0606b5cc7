"""What must be true of a submitted result before any number is computed from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import ValidationError

from mobench.publish.submission.answer_checks import FIELDS, answer_problem, missing_draws
from mobench.publish.submission.bounds import bound_problems, cell_bound_problems
from mobench.publish.submission.control_checks import control_problems
from mobench.publish.submission.judge_checks import JUDGED, is_unjudged, judge_problem
from mobench.publish.submission.plan_checks import (
    base_problems,
    grown_rungs,
    plan_problems,
    seed_problems,
    seeds_planned,
)
from mobench.publish.submission.rows_file import ENOUGH
from mobench.records.cells import FINISHED_CELL, FinishedCell, arm_of
from mobench.records.manifest import Manifest
from mobench.records.manifest_parts import OrganismPart
from mobench.records.names import LADDER, ROW_KINDS, UNTRAINED
from mobench.records.reading import shape_problems
from mobench.records.rows import ROW, ROW_FIELDS
from mobench.score.columns import Columns

_FLAGS = (0, 1, None)


def problems(
    manifest: Mapping[str, Any],
    cells: Sequence[Any],
    rows: Sequence[Any],
    columns: Columns | None,
    where: str,
    files: tuple[str, str, str],
) -> list[str]:
    """Checks form and agreement of the three files.

    Args:
        manifest: The run's manifest.
        cells: Its cell records.
        rows: Its rows.
        columns: The same as columns; None where they are too odd for that.
        where: The folder, for the messages.
        files: How manifest, cells and rows are called in the messages.

    Returns:
        One line for each problem; empty if all is well.
    """
    manifest_at, cells_at, rows_at = (f"{where}/{name}" for name in files)
    try:
        known = Manifest.model_validate(manifest)
    except ValidationError as error:
        return [f"{manifest_at}: {problem}" for problem in shape_problems(error)[:ENOUGH]]
    found = bound_problems(known)
    found += cell_bound_problems([*known.ladder_cells, *known.control_cells])
    if found:
        return [f"{manifest_at}: {problem}" for problem in found[:ENOUGH]]
    if known.max_steps is not None and known.extensions is None:
        what = "it has max_steps, but low rungs were not extended yet: run it again"
        return [f"{manifest_at}: {what}"]
    found = [f"{cells_at}: {problem}" for problem in _cells(cells, known)]
    if found:
        return found
    return [f"{rows_at}:{line}: {problem}" for line, problem in _rows(rows, cells, columns, known)]


def _cells(cells: Sequence[Any], manifest: Manifest) -> list[str]:
    found: list[str] = []
    for index, cell in enumerate(cells):
        try:
            FINISHED_CELL.validate_python(cell)
        except ValidationError as error:
            found += [f"cell {index}: {problem}" for problem in shape_problems(error)]
            if len(found) >= ENOUGH:
                break
    found = found or cell_bound_problems(cells)
    if found:
        return found[:ENOUGH]
    if not cells:
        return ["no cells"]
    found = _disagreements(cells, manifest)
    if found:
        return found[:ENOUGH]
    ladder = [cell for cell in cells if arm_of(cell) == LADDER]
    controls = [cell for cell in cells if arm_of(cell) != LADDER]
    if not ladder:
        return ["no cells of the ladder"]
    found = plan_problems(manifest)
    found += _missing_cells(ladder, manifest) + _budgets(ladder, manifest)
    found += seed_problems(ladder, manifest) + base_problems(controls, manifest)
    return (found + control_problems(controls, manifest))[:ENOUGH]


def _disagreements(cells: Sequence[FinishedCell], manifest: Manifest) -> list[str]:
    """Cells that are not the manifest's, and cells that are there twice."""
    found = []
    judge = None if manifest.judge is None else manifest.judge.identity
    seen: set[str] = set()
    for index, cell in enumerate(cells):
        ladder = arm_of(cell) == LADDER
        if cell["organism"] != manifest.organism.name:
            found.append(f"cell {index}: organism {cell['organism']!r} is not the manifest's")
        # What a control was trained on is held against the manifest's list of controls.
        if ladder and cell["task"] != manifest.task.name:
            found.append(f"cell {index}: task {cell['task']!r} is not the manifest's")
        if cell.get("judge") != judge:
            what = f"judge {cell.get('judge')!r} is not the manifest's, {judge!r}"
            found.append(f"cell {index}: {what}")
        arm = "" if ladder else f"arm {arm_of(cell)!r}, "
        place = f"{arm}LR {cell['lr']!r}, seed {cell['seed']!r}"
        for unique in (f"id {cell['id']!r}", place):
            if unique in seen:
                found.append(f"cell {index}: {unique} is there twice")
            seen.add(unique)
    return found


def _missing_cells(cells: Sequence[FinishedCell], manifest: Manifest) -> list[str]:
    """A rung or a seed that was planned and left out could be the one that went badly."""
    rungs, seeds = manifest.ladder.rungs, manifest.ladder.seeds
    if rungs is None or seeds is None:
        return []
    found = []
    for lr in sorted(set(rungs) | {cell["lr"] for cell in cells}):
        have = sum(cell["lr"] == lr for cell in cells)
        planned = seeds_planned(lr, manifest) if lr in rungs else 0
        if have != planned:
            found.append(f"LR {lr:g}: {have} cells, but the manifest plans {planned}")
    return found


def _budgets(cells: Sequence[FinishedCell], manifest: Manifest) -> list[str]:
    """A rung has the ladder's budget, or all its seeds the longer one that was announced."""
    usual, bound = manifest.ladder.steps, manifest.max_steps
    if usual is None:
        return []
    longer = {cell: item.steps for item in manifest.extensions or () for cell in item.cells}
    grown = {rung.lr: rung.steps for rung in grown_rungs(manifest)}
    found = [
        f"cell {cell!r}, to which a low rung was extended, is missing"
        for cell in sorted(longer.keys() - {cell["id"] for cell in cells})
    ]
    for cell in cells:
        planned = longer.get(cell["id"], grown.get(cell["lr"], usual))
        if cell["steps"] != planned:
            found.append(
                f"cell {cell['id']!r}: {cell['steps']} steps, the manifest plans {planned}"
            )
        elif cell["id"] in longer and (bound is None or not usual < planned <= bound):
            found.append(f"cell {cell['id']!r}: {planned} steps are not within max_steps {bound}")
    return found


def _rows(
    rows: Sequence[Any],
    cells: Sequence[FinishedCell],
    columns: Columns | None,
    manifest: Manifest,
) -> list[tuple[int, str]]:
    judge, organism = cells[0].get("judge"), manifest.organism
    budget = {cell["id"]: cell["steps"] for cell in cells} | dict.fromkeys(UNTRAINED, 0)
    # What a judge said is asked of each row, and so is what was drawn or has reasoning.
    plain = judge is None and organism.decoding is None
    fields: set[str] = set() if columns is None else set().union(*rows)
    plain = plain and fields.isdisjoint(JUDGED | FIELDS)
    closed = columns is not None and ROW_FIELDS.issuperset(fields)
    if columns is None or not plain or not closed or not _are_sound(columns, budget):
        # A row that is only unusual is none of the problems found.
        found, measured = _row_by_row(rows, budget, judge, organism)
        found = found or missing_draws(rows, organism, most=ENOUGH)
    else:
        found, measured = [], columns.measured
    if not found and ("organism", "attack") not in measured:
        found.append((len(rows), "no attack rows of the organism before training"))
    for cell in cells:
        if not found and cell["status"] == "done" and (cell["id"], "attack") not in measured:
            found.append((len(rows), f"no attack rows of cell {cell['id']!r}"))
    return found


def _are_sound(columns: Columns, budget: Mapping[str, int]) -> bool:
    """Whether all rows are as nearly all are; what is not is looked at by :func:`_row_by_row`."""
    cells, types = columns.cell.values, columns.types
    if not (
        all(type(cell) is str and cell in budget for cell in cells)
        and all(type(kind) is str and kind in ROW_KINDS for kind in columns.kind.values)
        and all(type(prompt) is str for prompt in columns.prompt.values)
        and all(flag in _FLAGS for flag in columns.inert.values)
        and types["task"] <= {str}
        and types["step"] <= {int}
        and types["outcome"] <= {int, float}
    ):
        return False
    last = np.array([budget[cell] for cell in cells])[columns.cell.codes]
    step = np.array(columns.step.values)[columns.step.codes]
    within = bool(((step >= 0) & (step <= last)).all())
    return within and columns.rates_are_sound and not columns.repeated


def _row_by_row(
    rows: Sequence[Any], budget: Mapping[str, int], judge: object, organism: OrganismPart
) -> tuple[list[tuple[int, str]], set[tuple[str, str]]]:
    """Line and problem of each row that has one, and (cell, kind) of those that have none."""
    found: list[tuple[int, str]] = []
    measured: set[tuple[str, str]] = set()
    seen: set[tuple[object, ...]] = set()
    for line, row in enumerate(rows, start=1):
        problem = _row(row, budget, judge)
        if not problem:
            problem = judge_problem(row, judge)
        problem = problem or answer_problem(row, organism)
        if not problem:
            kind = row["kind"]
            asked = (kind, row.get("task"), row.get("prompt"), row.get("draw"))
            key = (row["cell"], row["step"], *asked)
            if key in seen:
                problem = "this cell, step, kind, task and prompt is there twice"
            seen.add(key)
            measured.add((row["cell"], kind))
        if problem:
            found.append((line, problem))
        if len(found) >= ENOUGH:
            break
    return found, measured


def _row(row: Any, budget: Mapping[str, int], judge: object) -> str:
    """What is wrong with a row, apart from what its judge said; empty if nothing is."""
    try:
        ROW.validate_python(row)
    except ValidationError as error:
        return shape_problems(error)[0]
    cell, step = row["cell"], row["step"]
    if cell not in budget:
        return f"cell {cell!r} is not in the list of cells"
    if step > budget[cell]:
        return f"step should be a whole number from 0 to {budget[cell]}, got {step!r}"
    if row["outcome"] is None and not is_unjudged(row, judge):
        return "outcome should be 0 or 1: only a judging model may give none, with its reason"
    return ""
