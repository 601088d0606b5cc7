"""Rows as a table: arrays of outcomes, looked up by cell, kind and task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import numpy as np

from mobench.records.names import ORGANISM, ROW_KINDS, UNTRAINED
from mobench.score.columns import Columns
from mobench.score.intervals import Array

_Key = tuple[str, str, str]  # cell, kind, task
Part = Literal["outcome", "inert", "final", "whole"]
"""What is read of a row: its outcome, its inert flag, or its outcome by the final answer alone or
by the whole text."""


@dataclass(frozen=True)
class Block:
    """The outcomes of one cell, one kind and one task.

    Attributes:
        steps: Steps with rows, rising.
        values: For each part of a row that is there [steps + 1, prompts + 1], prompts as in the
            table's ``ids``. Where a prompt has several answers it is their mean: more answers are
            not more prompts. NaN where not judged, as everywhere in the last row and the last
            column, which are read for a step or a prompt that has no row.
        rows: How many rows there are at each step [steps].
        unjudged: How many of them have no outcome [steps].
    """

    steps: Sequence[int]
    values: Mapping[Part, Array]
    rows: Sequence[int]
    unjudged: Sequence[int]


@dataclass(frozen=True)
class RowTable:
    """Every row of a run, looked up by cell, kind and task.

    Attributes:
        blocks: (cell, kind, task) → outcomes.
        ids: (kind, task) → ids of every prompt of this kind in any cell, sorted.
    """

    blocks: Mapping[_Key, Block]
    ids: Mapping[tuple[str, str], Sequence[str]]

    def steps(self, cell: str, kind: str, task: str = "") -> list[int]:
        """Steps at which a cell has rows of this kind, rising."""
        block = self.blocks.get((cell, kind, task))
        return [] if block is None else list(block.steps)

    def prompts(self, kind: str, task: str = "") -> Sequence[str]:
        """Ids of every prompt of this kind in any cell, sorted."""
        return self.ids.get((kind, task), ())

    def tasks(self, kind: str) -> list[str]:
        """Names of the tasks with rows of this kind, sorted."""
        return sorted({task for _, what, task in self.blocks if what == kind})

    @property
    def has_reasoning(self) -> bool:
        """Whether any answer has reasoning beside its final answer."""
        return any("final" in block.values for block in self.blocks.values())

    def not_judged(
        self,
        cells: Iterable[str],
        kinds: Iterable[str],
        inside: Callable[[int], bool] | None = None,
    ) -> tuple[int, int]:
        """Rows whose outcome is None, and all rows.

        Args:
            cells: Whose rows.
            kinds: Rows of which kinds.
            inside: The steps that count; None for all.
        """
        chosen_cells, chosen_kinds = set(cells), set(kinds)
        missing = whole = 0
        for (cell, kind, _), block in self.blocks.items():
            if cell in chosen_cells and kind in chosen_kinds:
                for step, rows, unjudged in zip(
                    block.steps, block.rows, block.unjudged, strict=True
                ):
                    if inside is None or inside(step):
                        whole += rows
                        missing += unjudged
        return missing, whole

    def array(
        self,
        cell: str,
        kind: str,
        steps: Sequence[int],
        prompts: Sequence[str],
        task: str = "",
        *,
        part: Part = "outcome",
    ) -> Array:
        """Outcomes (or another part of rows) [steps, prompts]; NaN where there is no row."""
        block = self.blocks.get((cell, kind, task))
        if block is None:
            return np.full((len(steps), len(prompts)), np.nan)
        source = block.values[part]
        rows = _places(block.steps, steps)
        known = self.prompts(kind, task)
        if prompts is known:
            return source[rows, :-1]
        return source[np.ix_(rows, _places(known, prompts))]


def _places(known: Sequence[Any], wanted: Sequence[Any]) -> Any:
    """Returns the index of each wanted value among the known ones; -1 if it is not there."""
    place = {value: number for number, value in enumerate(known)}
    return np.array([place.get(value, -1) for value in wanted], dtype=np.intp)


def index_rows(
    rows: Iterable[Mapping[str, Any]], cells: Iterable[str], columns: Columns | None = None
) -> RowTable:
    """Indexes rows, in any order, and checks them.

    Args:
        rows: ``cell``, ``step``, ``kind``, ``task``, ``prompt``, ``outcome`` and, for attack rows,
            ``inert``; ``draw``, ``final`` and ``whole`` where there are any. An outcome or flag of
            None is an answer that was not judged: NaN.
        cells: Ids of the run's cells; ``organism`` and ``base`` are known besides.
        columns: The same rows as columns, where they are already made.

    Raises:
        ValueError: No rows, a row twice, an unknown cell or kind, a field that is missing, an
            attack or control outcome other than 0 or 1, a capability outcome outside [0, 1], or a
            trained cell with rows at step 0 (which is measured once, as the organism).
    """
    known, listed = {*cells, *UNTRAINED}, list(rows)
    if not listed:
        raise ValueError("there are no rows to score")
    try:
        as_columns = Columns.of(listed) if columns is None else columns
    except (KeyError, TypeError, ValueError, OverflowError):
        _refuse(listed, known)
    if not _are_sound(as_columns, known):
        _refuse(listed, known)
    return _table(as_columns)


def _are_sound(columns: Columns, known: set[str]) -> bool:
    """Whether nothing is wrong with any row; :func:`_refuse` says which row is wrong, and how."""
    if not (
        known.issuperset(columns.cell.values) and set(ROW_KINDS).issuperset(columns.kind.values)
    ):
        return False
    trained = np.array([cell not in UNTRAINED for cell in columns.cell.values], dtype=bool)
    untrained = np.array([step == 0 for step in columns.step.values], dtype=bool)
    early = trained[columns.cell.codes] & untrained[columns.step.codes]
    return bool(columns.rates_are_sound and not early.any() and not columns.repeated)


def _refuse(rows: Sequence[Mapping[str, Any]], known: set[str]) -> NoReturn:
    """Raises the error that names the first row that is wrong, and what is wrong with it."""
    seen: set[tuple[object, ...]] = set()
    for number, row in enumerate(rows, start=1):
        try:
            cell, kind, step = row["cell"], row["kind"], row["step"]
            prompt, outcome = row["prompt"], row["outcome"]
        except KeyError as error:
            raise ValueError(f"row {number} has no field {error.args[0]!r}") from None
        task = row.get("task") or ""
        if cell not in known:
            raise ValueError(f"row {number} is of cell {cell!r}, which the run does not have")
        if kind not in ROW_KINDS:
            raise ValueError(f"row {number} is of kind {kind!r}; known: {', '.join(ROW_KINDS)}")
        place = (cell, kind, task, step, prompt, row.get("draw", 0))
        if place in seen:
            raise ValueError(
                f"row {number} is there twice: cell {cell!r}, step {step}, {kind} "
                f"{task!r}, prompt {prompt!r}"
            )
        seen.add(place)
        _check_outcome(number, kind, outcome)
        if step == 0 and cell not in UNTRAINED:
            raise ValueError(f"row {number}: step 0 is measured once, as cell {ORGANISM!r}")
    raise ValueError("the rows are not those of a sound run")


def _check_outcome(number: int, kind: str, outcome: Any) -> None:
    """Raises if an outcome is out of the range of its kind."""
    if outcome is None:
        return
    value = float(outcome)
    if kind == "capability":
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"row {number}: a capability outcome must be in [0, 1], got {value:g}")
    elif value not in (0.0, 1.0):
        raise ValueError(f"row {number}: an {kind} outcome must be 0 or 1, got {value:g}")


def _table(columns: Columns) -> RowTable:
    """Returns the columns of sound rows as a table."""
    # 1. The prompts of each kind and task, over all cells.
    kinds, tasks = columns.kind.values, columns.task.values
    ids: dict[tuple[str, str], Sequence[str]] = {}
    place: dict[tuple[str, str], Any] = {}
    pairs = columns.kind.codes * len(tasks) + columns.task.codes
    for pair in np.unique(pairs):
        key = (kinds[pair // len(tasks)], tasks[pair % len(tasks)])
        prompts = np.unique(columns.prompt.codes[pairs == pair])
        ids[key], place[key] = _sorted(columns.prompt.values, prompts)

    # 2. The rows of each cell, kind and task together.
    parts: dict[Part, Array] = {"outcome": columns.outcome, "inert": columns.flags}
    if columns.beside:
        parts |= {"final": columns.beside["final"], "whole": columns.beside["whole"]}
    draws = len(columns.draw.values)
    order = np.argsort(columns.group, kind="stable")
    ends = np.flatnonzero(np.diff(columns.group[order])) + 1

    # 3. An array of each: its steps down, its prompts across.
    blocks: dict[_Key, Block] = {}
    for part in np.split(order, ends):
        one = part[0]
        kind, task = kinds[columns.kind.codes[one]], tasks[columns.task.codes[one]]
        steps, at = _sorted(columns.step.values, np.unique(columns.step.codes[part]))
        down = at[columns.step.codes[part]]
        across = place[kind, task][columns.prompt.codes[part]]
        shape = (len(steps) + 1, len(ids[kind, task]) + 1)
        values = {
            name: _placed(column[part], down, across, shape, draws=draws)
            for name, column in parts.items()
        }
        cell = columns.cell.values[columns.cell.codes[one]]
        rows = np.bincount(down, minlength=len(steps)).tolist()
        unjudged = np.isnan(columns.outcome[part])
        missing = np.bincount(down, unjudged, len(steps)).astype(int).tolist()
        blocks[cell, kind, task] = Block(steps, values, rows, missing)
    return RowTable(blocks, ids)


def _placed(column: Array, down: Any, across: Any, shape: tuple[int, int], *, draws: int) -> Array:
    """Returns an array of a column's values; of several at one place their mean, without NaN."""
    if draws == 1:
        placed = np.full(shape, np.nan)
        placed[down, across] = column
        return placed
    known = ~np.isnan(column)
    total, count = np.zeros(shape), np.zeros(shape)
    np.add.at(total, (down[known], across[known]), column[known])
    np.add.at(count, (down[known], across[known]), 1.0)
    mean = np.full(shape, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean


def _sorted(values: Sequence[Any], codes: Any) -> tuple[list[Any], Any]:
    """Returns the values of some codes in order, and for every code its place among them.

    Args:
        values: The value of every code.
        codes: The codes whose values are wanted.
    """
    # Ids of questions are numbers or texts; numbers come first where a task has both.
    ordered = sorted(codes.tolist(), key=lambda code: (isinstance(values[code], str), values[code]))
    place = np.full(len(values), -1, dtype=np.intp)
    place[ordered] = np.arange(len(ordered))
    return [values[code] for code in ordered], place
