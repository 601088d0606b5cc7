"""Rows in, arrays out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mobench.score.intervals import Array

#: Names of the two models that are measured without training.
ORGANISM = "organism"
BASE = "base"
KINDS = ("attack", "control", "capability")

_Key = tuple[str, str, str]  # cell, kind, task


@dataclass(frozen=True)
class RowTable:
    """Every row of a run, looked up by cell, kind and task.

    Attributes:
        outcomes: (cell, kind, task) → (step, prompt) → outcome, NaN where not judged.
        inert: The same for the inert flag of attack rows.
        judged: (cell, kind, task) → steps with rows, rising.
        ids: (kind, task) → ids of every prompt of this kind in any cell, sorted.
    """

    outcomes: Mapping[_Key, Mapping[tuple[int, str], float]]
    inert: Mapping[_Key, Mapping[tuple[int, str], float]]
    judged: Mapping[_Key, Sequence[int]]
    ids: Mapping[tuple[str, str], Sequence[str]]

    def steps(self, cell: str, kind: str, task: str = "") -> list[int]:
        """Steps at which a cell has rows of this kind, rising."""
        return list(self.judged.get((cell, kind, task), ()))

    def prompts(self, kind: str, task: str = "") -> Sequence[str]:
        """Ids of every prompt of this kind in any cell, sorted."""
        return self.ids.get((kind, task), ())

    def tasks(self, kind: str) -> list[str]:
        """Names of the tasks with rows of this kind, sorted."""
        return sorted({task for _, what, task in self.outcomes if what == kind})

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
        known, wanted = set(cells), set(kinds)
        values = [
            value
            for (cell, kind, _), part in self.outcomes.items()
            if cell in known and kind in wanted
            for (step, _), value in part.items()
            if inside is None or inside(step)
        ]
        return sum(map(math.isnan, values)), len(values)

    def array(
        self,
        cell: str,
        kind: str,
        steps: Sequence[int],
        prompts: Sequence[str],
        task: str = "",
        *,
        inert: bool = False,
    ) -> Array:
        """Outcomes (or inert flags) [steps, prompts]; NaN where there is no row."""
        source = (self.inert if inert else self.outcomes).get((cell, kind, task), {})
        return np.array(
            [[source.get((step, prompt), math.nan) for prompt in prompts] for step in steps],
            dtype=np.float64,
        ).reshape(len(steps), len(prompts))


def read_rows(rows: Iterable[Mapping[str, Any]], cells: Iterable[str]) -> RowTable:
    """Indexes rows, in any order.

    Args:
        rows: ``cell``, ``step``, ``kind``, ``task``, ``prompt``, ``outcome`` and, for attack rows,
            ``inert``. An outcome or flag of None is an answer that was not judged: NaN.
        cells: Ids of the run's cells; ``organism`` and ``base`` are known besides.

    Raises:
        ValueError: No rows, a row twice, an unknown cell or kind, a field that is missing, an
            attack or control outcome other than 0 or 1, a capability outcome outside [0, 1], or a
            trained cell with rows at step 0 (which is measured once, as the organism).
    """
    known = {*cells, ORGANISM, BASE}
    outcomes: dict[_Key, dict[tuple[int, str], float]] = {}
    inert: dict[_Key, dict[tuple[int, str], float]] = {}
    for number, row in enumerate(rows, start=1):
        try:
            cell, kind, step = row["cell"], row["kind"], row["step"]
            prompt, outcome = row["prompt"], row["outcome"]
        except KeyError as error:
            raise ValueError(f"row {number} has no field {error.args[0]!r}") from None
        key = (cell, kind, row.get("task") or "")
        part = outcomes.get(key)
        if part is None:
            _check_key(number, key, known)
            part = outcomes.setdefault(key, {})
            inert[key] = {}
        place = (step, prompt)
        if place in part:
            raise ValueError(
                f"row {number} is there twice: cell {cell!r}, step {step}, {kind} "
                f"{key[2]!r}, prompt {prompt!r}"
            )
        part[place] = _outcome(number, kind, outcome)
        if step == 0 and cell not in (ORGANISM, BASE):
            raise ValueError(f"row {number}: step 0 is measured once, as cell {ORGANISM!r}")
        flag = row.get("inert")
        if flag is not None:
            inert[key][place] = float(bool(flag))
    if not outcomes:
        raise ValueError("there are no rows to score")
    ids: dict[tuple[str, str], set[str]] = {}
    for (_, kind, task), part in outcomes.items():
        ids.setdefault((kind, task), set()).update(prompt for _, prompt in part)
    judged = {key: sorted({step for step, _ in part}) for key, part in outcomes.items()}
    return RowTable(outcomes, inert, judged, {key: sorted(found) for key, found in ids.items()})


def _check_key(number: int, key: _Key, known: set[str]) -> None:
    cell, kind, _ = key
    if cell not in known:
        raise ValueError(f"row {number} is of cell {cell!r}, which the run does not have")
    if kind not in KINDS:
        raise ValueError(f"row {number} is of kind {kind!r}; known: {', '.join(KINDS)}")


def _outcome(number: int, kind: str, outcome: Any) -> float:
    if outcome is None:
        return math.nan
    value = float(outcome)
    if kind == "capability":
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"row {number}: a capability outcome must be in [0, 1], got {value:g}")
    elif value not in (0.0, 1.0):
        raise ValueError(f"row {number}: an {kind} outcome must be 0 or 1, got {value:g}")
    return value
