"""A run's sequential plan at work: what is asked for next, from what is finished."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mobench.execute.arms import Arm, ladder_arm
from mobench.execute.ladder import Ladder
from mobench.plan.grown_ladder import GrownLadder
from mobench.plan.sequential import (
    SequentialPlan,
    hash_of_plan,
    next_requests,
    plan_of,
    plan_rules,
)
from mobench.records.cells import Cell
from mobench.records.manifest import Manifest
from mobench.score.recompute import recompute
from mobench.score.rung_summary import summary_of
from mobench.store.finished_run import finished_ladder


class Growth:
    """The plan of a run, played again from the beginning as far as cells are finished.

    Args:
        ladder: The ladder.
        controls: The arms beside it.

    Attributes:
        grown: The ladder as far as it has grown; its newest cells may not be finished.
        finished: Whether nothing more is asked for.
    """

    def __init__(self, ladder: Ladder, controls: tuple[Arm, ...]) -> None:
        self._ladder = ladder
        self._base = next((arm for arm in controls if arm.cells[0].arm == "base"), None)
        self.plan: SequentialPlan = plan_of(ladder.request.preset)
        self.grown = GrownLadder(ladder.cells, ladder.request.preset, {})
        self._before = self.grown
        self.finished = not self.plan.looks

    def advance(self, described: dict[str, Any]) -> bool:
        """Asks for more, where everything that was asked for is finished.

        Args:
            described: The run's manifest without its cells.

        Returns:
            Whether there is something new to train.
        """
        if self.finished or not all(self._ladder.done(cell) for cell in self._all(self.grown)):
            return False
        cells = [cell.record() for cell in self._all(self.grown)]
        run = finished_ladder(self._ladder.folder, Manifest.model_validate(described), cells)
        score = recompute(run.manifest, run.cells, run.rows)
        more = self.grown
        # Of an organism that cannot be judged no more seeds tell anything.
        if score.admitted:
            more = more.with_requests(
                next_requests(
                    [summary_of(rung, score.epsilon) for rung in score.rungs],
                    self.plan,
                    standard_lr=self._ladder.request.spec.ladder.standard_lr,
                    doubled=more.doubled,
                )
            )
        self.finished = more == self.grown
        self._before, self.grown = self.grown, more
        return not self.finished

    def arms(self) -> list[Arm]:
        """What is to be trained beside the ladder's first cells and the controls, by budget."""
        first = {cell.id for cell in self._ladder.cells}
        added = [cell for cell in self.grown.cells() if cell.id not in first]
        arms = [ladder_arm(self._ladder, cells) for cells in _by_budget(added)]
        if self._base is not None:
            more = self.grown.base_cells(self._base.cells)
            arms += [self._base.of(cells) for cells in _by_budget(more)]
        return arms

    @property
    def counted(self) -> list[Cell]:
        """The ladder's cells that a run is scored from.

        Of a rung of doubled budget these are the new ones once all are done, of the others all that
        are asked for.
        """
        done = {
            lr: all(self._ladder.done(cell) for cell in self.grown.cells() if cell.lr == lr)
            for lr in self.grown.doubled
        }
        waiting = [lr for lr, ready in done.items() if not ready and lr not in self._before.doubled]
        usable = {lr: rung for lr, rung in self.grown.grown.items() if lr not in waiting}
        usable |= {lr: self._before.grown[lr] for lr in waiting if lr in self._before.grown}
        return replace(self.grown, grown=usable).cells()

    def beside(self, controls: Sequence[Arm]) -> list[Cell]:
        """Returns the cells beside the ladder that count: controls, and more of the clean base.

        Args:
            controls: The arms beside the ladder.
        """
        base = [] if self._base is None else base_that_counts(self._base.cells, self.grown)
        others = (cell for arm in controls if arm is not self._base for cell in arm.cells)
        return [*others, *base]

    @property
    def scored(self) -> list[Cell]:
        """The ladder's cells as it has grown, and the clean base's that count beside them."""
        return self._all(self.grown)

    def describe(self) -> str:
        """Returns what is asked for, in a few words."""
        parts = []
        for rung in self.grown.grown.values():
            old = self._before.grown.get(rung.lr)
            if rung != old:
                steps = self._ladder.request.preset.steps * (2 if rung.doubled else 1)
                base = f" and {rung.base} of the clean base" if rung.base else ""
                parts.append(f"{rung.seeds} seeds{base} for {steps} steps at lr={rung.lr:g}")
        return f"the plan goes on with {'; '.join(parts)}"

    def record(self, *, changed_later: bool) -> dict[str, Any]:
        """Returns the plan as the manifest has it.

        Args:
            changed_later: Whether another plan was asked for once a cell had finished.
        """
        counted = {cell.id for cell in self.counted}
        return {
            **plan_rules(self.plan),
            "hash": self.hash,
            "changed_later": changed_later,
            "grown": [
                {
                    "lr": rung.lr,
                    "seeds": rung.seeds,
                    "steps": self._ladder.request.preset.steps * (2 if rung.doubled else 1),
                    "base": rung.base,
                }
                for rung in self.grown.grown.values()
            ],
            "finished": self.finished,
            "pending": [cell.id for cell in self.grown.cells() if cell.id not in counted],
        }

    @property
    def hash(self) -> str:
        """Hash of the rules, and of the ladder that they are for."""
        preset, ladder = self._ladder.request.preset, self._ladder.request.spec.ladder
        return hash_of_plan(preset, standard_lr=ladder.standard_lr)

    def _all(self, grown: GrownLadder) -> list[Cell]:
        """The ladder's cells, and the clean base's that count beside them."""
        cells = grown.cells()
        if self._base is None:
            return cells
        return [*cells, *base_that_counts(self._base.cells, grown)]


def base_that_counts(controls: tuple[Cell, ...], grown: GrownLadder) -> list[Cell]:
    """Returns the clean base's cells that a ladder is scored with.

    At a rung of doubled budget those of that budget take the control's place, once there are any.

    Args:
        controls: The controls, one for each rung.
        grown: The ladder.
    """
    more = grown.base_cells(controls)
    longer = {cell.lr for cell in more if grown.grown[cell.lr].doubled}
    return [*(cell for cell in controls if cell.lr not in longer), *more]


def _by_budget(cells: list[Cell]) -> list[tuple[Cell, ...]]:
    """Groups cells by budget, the shortest first: only cells of one budget share a pack."""
    budgets = sorted({cell.steps for cell in cells})
    return [tuple(cell for cell in cells if cell.steps == steps) for steps in budgets]
