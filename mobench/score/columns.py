"""Rows as columns: each field of all rows together, its distinct values numbered.

A result has tens of thousands of rows, so checks that concern all of them run over whole columns.
Only where one fails are rows looked at one by one, to say which of them is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mobench.score.intervals import Array

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Coded:
    """One field of all rows.

    Attributes:
        values: Its distinct values, in order of first appearance.
        codes: The place of each row's value among them [rows].
    """

    values: tuple[Any, ...]
    codes: Codes

    @staticmethod
    def of(column: Sequence[Any]) -> Coded:
        """Numbers a column's values.

        Raises:
            TypeError: A value is a list or an object.
        """
        values = tuple(dict.fromkeys(column))
        place = {value: number for number, value in enumerate(values)}
        codes = np.fromiter(map(place.__getitem__, column), dtype=np.int64, count=len(column))
        return Coded(values, codes)


@dataclass(frozen=True)
class Columns:
    """All rows of a run, field by field.

    Attributes:
        cell: Ids of cells.
        kind: Kinds.
        task: Names of tasks; ``""`` where there is none.
        step: Steps.
        prompt: Ids of prompts.
        outcome: Outcomes [rows]; NaN where the answer was not judged.
        draw: Which of the answers to its prompt each is; 0 where there is one.
        beside: Outcomes by the ``final`` answer and by the ``whole`` text [rows]: what ``outcome``
            is where an answer has no reasoning. Empty where none has any.
        inert: Inert flags.
        types: Every type that ``task``, ``step`` and ``outcome`` were written with.
        unjudged: How many outcomes were None.
    """

    cell: Coded
    kind: Coded
    task: Coded
    step: Coded
    prompt: Coded
    outcome: Array
    draw: Coded
    beside: Mapping[str, Array]
    inert: Coded
    types: Mapping[str, frozenset[type]]
    unjudged: int

    @staticmethod
    def of(rows: Sequence[Mapping[str, Any]]) -> Columns:
        """Turns rows into columns.

        Raises:
            KeyError, TypeError, ValueError, OverflowError: A row is no object, lacks a field or
                holds something in it that no row should; looking at each row says which.
        """
        outcomes = [row["outcome"] for row in rows]
        # numpy takes None for NaN.
        outcome = np.array(outcomes, dtype=np.float64)
        if outcome.ndim != 1:
            raise TypeError("an outcome is a list")
        steps = [row["step"] for row in rows]
        tasks = [row.get("task", "") for row in rows]
        return Columns(
            cell=Coded.of([row["cell"] for row in rows]),
            kind=Coded.of([row["kind"] for row in rows]),
            task=Coded.of([task or "" for task in tasks]),
            step=Coded.of(steps),
            prompt=Coded.of([row["prompt"] for row in rows]),
            outcome=outcome,
            draw=Coded.of([row.get("draw", 0) for row in rows]),
            beside=_beside(rows),
            inert=Coded.of([row.get("inert") for row in rows]),
            # 1, 1.0 and True are one value to a dictionary, so types are asked of every row.
            types={
                "task": frozenset(map(type, tasks)),
                "step": frozenset(map(type, steps)),
                "outcome": frozenset(map(type, outcomes)),
            },
            unjudged=outcomes.count(None),
        )

    @cached_property
    def group(self) -> Codes:
        """A number for cell, kind and task together [rows]."""
        pair = self.cell.codes * len(self.kind.values) + self.kind.codes
        return pair * len(self.task.values) + self.task.codes

    @cached_property
    def repeated(self) -> bool:
        """Whether any two rows have the same cell, kind, task, step, prompt and draw."""
        place = self.group * len(self.step.values) + self.step.codes
        place = place * len(self.prompt.values) + self.prompt.codes
        place = place * len(self.draw.values) + self.draw.codes
        return np.unique(place).size < place.size

    @property
    def measured(self) -> set[tuple[Any, Any]]:
        """(cell, kind) of every row."""
        kinds = self.kind.values
        pairs = np.unique(self.cell.codes * len(kinds) + self.kind.codes).tolist()
        return {(self.cell.values[p // len(kinds)], kinds[p % len(kinds)]) for p in pairs}

    @property
    def rates_are_sound(self) -> bool:
        """Whether outcomes lie in [0, 1] and are 0 or 1 where the kind is not ``capability``."""
        judged = ~np.isnan(self.outcome)
        if self.outcome.size - int(judged.sum()) != self.unjudged:
            return False
        graded = [n for n, kind in enumerate(self.kind.values) if kind == "capability"]
        flagged = ~np.isin(self.kind.codes, graded)
        for outcome in self.beside.values():
            known = outcome[flagged & ~np.isnan(outcome)]
            if not ((known == 0.0) | (known == 1.0)).all():
                return False
        whole = self.outcome[judged & flagged]
        every = self.outcome[judged]
        return bool(
            ((every >= 0.0) & (every <= 1.0)).all() and ((whole == 0.0) | (whole == 1.0)).all()
        )

    @property
    def flags(self) -> Array:
        """Inert flags as 0 and 1 [rows]; NaN where there is none."""
        values = [math.nan if flag is None else float(bool(flag)) for flag in self.inert.values]
        return np.array(values, dtype=np.float64)[self.inert.codes]

    def prompts(self, kind: str) -> int:
        """How many different prompts rows of a kind have."""
        chosen = [n for n, one in enumerate(self.kind.values) if one == kind]
        return int(np.unique(self.prompt.codes[np.isin(self.kind.codes, chosen)]).size)


def _beside(rows: Sequence[Mapping[str, Any]]) -> dict[str, Array]:
    """The outcomes of all rows by the final answer and by the whole text, where any has both."""
    if not any("final" in row for row in rows):
        return {}
    return {
        of: np.array([row.get(of, row["outcome"]) for row in rows], dtype=np.float64)
        for of in ("final", "whole")
    }
