"""What must be true of a submitted result before any number is computed from it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

import numpy as np

from mobench.publish.submission import control_checks as checking_controls
from mobench.publish.submission import judge_checks as judged
from mobench.score.columns import Columns

SCHEMA = "mobench.run/1"
# After this many problems in one file, the rest would only repeat them.
ENOUGH = 20

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_KINDS = ("attack", "control", "capability")
_REFERENCES = ("organism", "base")
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
    found = [f"{manifest_at}: {problem}" for problem in _manifest(manifest)]
    if found:
        return found
    found += [f"{cells_at}: {problem}" for problem in _cells(cells, manifest)]
    if found:
        return found
    return [f"{rows_at}:{line}: {problem}" for line, problem in _rows(rows, cells, columns)]


def _manifest(manifest: Mapping[str, Any]) -> list[str]:
    found = []
    if manifest.get("schema") != SCHEMA:
        found.append(f"schema should be {SCHEMA!r}, got {manifest.get('schema')!r}")
    for key in ("organism", "task"):
        part = manifest.get(key)
        name = part.get("name") if isinstance(part, Mapping) else None
        # The name becomes a path and a link.
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            found.append(f"{key}.name should be letters, digits, '.', '_' and '-', got {name!r}")
    ladder = manifest.get("ladder")
    standard = ladder.get("standard_lr") if isinstance(ladder, Mapping) else None
    if not _is_number(standard):
        found.append(f"ladder.standard_lr should be a number, got {standard!r}")
    bound = manifest.get("max_steps")
    if bound is not None and type(bound) is not int:
        found.append(f"max_steps should be a whole number or null, got {bound!r}")
    organism = manifest.get("organism")
    rate = organism.get("clean_rate") if isinstance(organism, Mapping) else None
    if rate is not None and not (_is_number(rate) and 0 <= rate <= 1):
        found.append(f"organism.clean_rate should be in [0, 1] or null, got {rate!r}")
    return found + checking_controls.of_manifest(manifest)


def _cells(cells: Sequence[Any], manifest: Mapping[str, Any]) -> list[str]:
    found = []
    wanted = {"id": str, "method": str, "lr": float, "seed": int, "steps": int}
    seen: set[str] = set()
    for index, cell in enumerate(cells):
        if not isinstance(cell, Mapping):
            found.append(f"cell {index} is not an object")
            continue
        for key, kind in wanted.items():
            value = cell.get(key)
            right = _is_number(value) if kind is float else type(value) is kind
            if not right:
                found.append(f"cell {index}: {key} should be {kind.__name__}, got {value!r}")
        # What a control was trained on is held against the manifest's list of controls.
        ladder = cell.get("arm", "organism") == "organism"
        for key in ("organism", "task") if ladder else ("organism",):
            if cell.get(key) != manifest[key]["name"]:
                found.append(f"cell {index}: {key} {cell.get(key)!r} is not the manifest's")
        if problem := judged.cell_problem(cell, manifest):
            found.append(f"cell {index}: {problem}")
        if cell.get("status") not in ("done", "diverged"):
            status = cell.get("status")
            found.append(f"cell {index}: status should be 'done' or 'diverged', got {status!r}")
        for unique in (
            f"id {cell.get('id')!r}",
            ("" if ladder else f"arm {cell.get('arm')!r}, ")
            + f"LR {cell.get('lr')!r}, seed {cell.get('seed')!r}",
        ):
            if unique in seen:
                found.append(f"cell {index}: {unique} is there twice")
            seen.add(unique)
    if not cells:
        found.append("no cells")
    if found:
        return found[:ENOUGH]
    beside = [cell for cell in cells if cell.get("arm", "organism") != "organism"]
    mine = [cell for cell in cells if cell not in beside]
    if not mine:
        return ["no cells of the ladder"]
    found = _missing_cells(mine, manifest["ladder"]) + _budgets(mine, manifest)
    return (found + checking_controls.of_cells(beside, manifest))[:ENOUGH]


def _missing_cells(cells: Sequence[Mapping[str, Any]], ladder: Mapping[str, Any]) -> list[str]:
    """A rung or a seed that was planned and left out could be the one that went badly."""
    rungs, seeds = ladder.get("rungs"), ladder.get("seeds")
    if not isinstance(rungs, list) or type(seeds) is not int:
        return []
    if not all(_is_number(lr) for lr in rungs):
        return [f"the manifest's ladder.rungs should be numbers, got {rungs!r}"]
    found = []
    for lr in sorted(set(rungs) | {cell["lr"] for cell in cells}):
        have = sum(cell["lr"] == lr for cell in cells)
        planned = seeds if lr in rungs else 0
        if have != planned:
            found.append(f"LR {lr:g}: {have} cells, but the manifest plans {planned}")
    return found


def _budgets(cells: Sequence[Mapping[str, Any]], manifest: Mapping[str, Any]) -> list[str]:
    """A rung has the ladder's budget, or all its seeds the longer one that was announced."""
    usual, bound = manifest["ladder"].get("steps"), manifest.get("max_steps")
    if type(usual) is not int:
        return []
    if bound is not None and not isinstance(manifest.get("extensions"), list):
        return ["the manifest has max_steps, but low rungs were not extended yet: run it again"]
    try:
        longer = {
            cell: item["steps"]
            for item in manifest.get("extensions") or ()
            for cell in item["cells"]
        }
    except (KeyError, TypeError):
        return ["the manifest's extensions should be objects with steps and cells"]
    found = [
        f"cell {cell!r}, to which a low rung was extended, is missing"
        for cell in sorted(longer.keys() - {cell["id"] for cell in cells}, key=str)
    ]
    for cell in cells:
        planned = longer.get(cell["id"], usual)
        if cell["steps"] != planned:
            found.append(
                f"cell {cell['id']!r}: {cell['steps']} steps, the manifest plans {planned}"
            )
        elif planned != usual and (bound is None or not usual < planned <= bound):
            found.append(f"cell {cell['id']!r}: {planned} steps are not within max_steps {bound}")
    return found


def _rows(
    rows: Sequence[Any], cells: Sequence[Mapping[str, Any]], columns: Columns | None
) -> list[tuple[int, str]]:
    judge = cells[0].get("judge")
    budget = {cell["id"]: cell["steps"] for cell in cells} | dict.fromkeys(_REFERENCES, 0)
    # What a judge said is asked of each row.
    plain = judge is None and not any("judge" in row for row in rows)
    if columns is None or not plain or not _are_sound(columns, budget):
        # A row that is only unusual is none of the problems found.
        found, measured = _row_by_row(rows, budget, judge)
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
        and all(type(kind) is str and kind in _KINDS for kind in columns.kind.values)
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
    rows: Sequence[Any], budget: Mapping[str, int], judge: object
) -> tuple[list[tuple[int, str]], set[tuple[str, str]]]:
    """Line and problem of each row that has one, and (cell, kind) of those that have none."""
    found: list[tuple[int, str]] = []
    measured: set[tuple[str, str]] = set()
    seen: set[tuple[object, ...]] = set()
    for line, row in enumerate(rows, start=1):
        problem = _row(row, budget, judge)
        if not problem and (judge is not None or "judge" in row):
            problem = judged.row_problem(row, judge)
        if not problem:
            kind = row["kind"]
            key = (row["cell"], row["step"], kind, row.get("task"), row.get("prompt"))
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
    if not isinstance(row, Mapping):
        return "not an object"
    cell, step, outcome = row.get("cell"), row.get("step"), row.get("outcome")
    prompt, task, inert = row.get("prompt"), row.get("task", ""), row.get("inert")
    if not isinstance(cell, str) or cell not in budget:
        return f"cell {cell!r} is not in the list of cells"
    if not isinstance(step, int) or isinstance(step, bool) or not 0 <= step <= budget[cell]:
        return f"step should be a whole number from 0 to {budget[cell]}, got {step!r}"
    if row.get("kind") not in _KINDS:
        return f"kind should be one of {', '.join(_KINDS)}, got {row.get('kind')!r}"
    if not isinstance(prompt, str | int) or not isinstance(task, str):
        return "prompt and task should be text"
    if inert not in _FLAGS:
        return f"inert should be 0, 1 or null, got {inert!r}"
    if judged.is_unjudged(row, judge):
        return ""
    if not _is_number(outcome) or not 0 <= outcome <= 1:
        return f"outcome should be a number in [0, 1], got {outcome!r}"
    if row["kind"] != "capability" and outcome not in (0, 1):
        return f"outcome of {row['kind']} should be 0 or 1, got {outcome!r}"
    return ""


def _is_number(value: object) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)
