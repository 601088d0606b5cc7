"""Measuring: every kept checkpoint is asked, all cells together, through whatever engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch

from mobench.decode.answers import MAX_ROWS
from mobench.decode.batch_size import Rows
from mobench.execute.checkpoint_check import next_logits, refuse_if_trained
from mobench.execute.prepare import Prepared
from mobench.execute.training import Stack
from mobench.measure.attack_rows import Kind, Row, attack_rows
from mobench.measure.capability_rows import measure_capability
from mobench.plan.cells import Cell
from mobench.progress import Progress
from mobench.store import CellFolder


class Checkpoints(Protocol):
    """Trained checkpoints behind some engine.

    Attributes:
        together: How many cells can be open at once; None for all.
    """

    together: int | None

    def open(self, step: int, wanted: Sequence[int]) -> None:
        """Gets one checkpoint of each wanted cell (by number) ready to be asked.

        Raises:
            MobenchError: One cannot be read, or its weights make no difference to the model.
        """

    def attack(self, kinds: Sequence[Kind]) -> list[list[Row]]:
        """The open cells' judged rows, without cell and step."""

    def capability(self, number: int) -> list[Row]:
        """lm-eval's rows of an open cell, without cell and step."""


def measure_cells(
    ready: Prepared, cells: Sequence[Cell], checkpoints: Checkpoints, progress: Progress
) -> None:
    """Asks every cell at every checkpoint; what was asked before is not asked again.

    Args:
        ready: The ladder.
        cells: Trained cells of one budget.
        checkpoints: Their checkpoints.
        progress: Where progress is shown.
    """
    folders = [ready.folder.cell(cell.id) for cell in cells]
    died = [folder.training().diverged_at for folder in folders]
    steps = [step for step in cells[0].checkpoints if step > 0]
    with progress.phase(f"measuring {len(cells)} cells", len(steps)) as tick:
        for step in steps:
            living = [n for n, dead in enumerate(died) if dead is None or step < dead]
            full = step in cells[0].capability_checkpoints
            wanted = [n for n in living if not _measured(folders[n], step, full)]
            size = checkpoints.together or max(1, len(wanted))
            for start in range(0, len(wanted), size):
                _measure_step(folders, checkpoints, wanted[start : start + size], step, full)
            tick(detail=f"step {step}")


def _measured(folder: CellFolder, step: int, full: bool) -> bool:
    parts = [f"{step:06d}-attack", *([f"{step:06d}-capability"] if full else [])]
    return all(folder.has_rows(part) for part in parts)


def _measure_step(
    folders: Sequence[CellFolder],
    checkpoints: Checkpoints,
    wanted: Sequence[int],
    step: int,
    full: bool,
) -> None:
    """One checkpoint: all cells' attack rows in one batch, then capability cell by cell."""

    def keep(number: int, part: str, rows: Sequence[Row]) -> None:
        named = [{"cell": folders[number].path.name, "step": step, **row} for row in rows]
        folders[number].keep_rows(f"{step:06d}-{part}", named)

    checkpoints.open(step, wanted)
    # The untriggered rate is read with capability: it costs as much as the attack rate itself.
    kinds: Sequence[Kind] = ("attack", "control") if full else ("attack",)
    for number, rows in zip(wanted, checkpoints.attack(kinds), strict=True):
        keep(number, "attack", rows)
    if full:
        for number in wanted:
            keep(number, "capability", checkpoints.capability(number))


class LaneCheckpoints:
    """Checkpoints loaded into the lanes of a stack in this process.

    Args:
        ready: The ladder.
        cells: One for each lane.
        lanes: The stack.
        untrained: What :func:`next_logits` gave before training.
        progress: Where a note goes if memory does not suffice.
    """

    together: int | None = None

    def __init__(
        self,
        ready: Prepared,
        cells: Sequence[Cell],
        lanes: Stack,
        untrained: torch.Tensor,
        progress: Progress,
    ) -> None:
        self._ready, self._lanes, self._untrained = ready, lanes, untrained
        self._folders = [ready.folder.cell(cell.id) for cell in cells]
        self._answers, self._questions = Rows(MAX_ROWS, progress), capability_batch(ready, progress)
        self._wanted: tuple[int, ...] = ()

    def open(self, step: int, wanted: Sequence[int]) -> None:
        """Loads the wanted cells' adapters into their lanes."""
        self._wanted = tuple(wanted)
        for lane in wanted:
            self._lanes.load(lane, self._folders[lane].read_adapter(step))
        now = next_logits(self._ready, self._lanes)
        for lane in wanted:
            if torch.equal(now[lane], self._untrained[lane]):
                refuse_if_trained(self._ready, self._folders[lane], step)

    def attack(self, kinds: Sequence[Kind]) -> list[list[Row]]:
        """All open lanes in one batch."""
        ready = self._ready
        with self._lanes.scope.using(self._wanted):
            return self._answers.fitting(
                lambda rows: attack_rows(
                    self._lanes.model,
                    ready.tokenizer,
                    ready.asked.spec,
                    ready.judge,
                    kinds=kinds,
                    scope=self._lanes.scope,
                    settled=ready.settled,
                    max_rows=rows,
                ),
                least=len(self._wanted),
            )

    def capability(self, number: int) -> list[Row]:
        """One lane alone."""
        with self._lanes.scope.using([number]):
            return capability_rows(self._ready, self._lanes.model, self._questions)


def capability_rows(ready: Prepared, model: Any, questions: Rows) -> list[Row]:
    """lm-eval's rows of a model, without cell and step.

    Args:
        ready: The ladder.
        model: The model to ask.
        questions: From :func:`capability_batch`.
    """
    return questions.fitting(
        lambda rows: measure_capability(
            model,
            ready.tokenizer,
            ready.asked.spec.capability,
            include_path=ready.registry.capability_dirs[0],
            batch_size=rows,
        )
    )


def capability_batch(ready: Prepared, progress: Progress) -> Rows:
    """How many of lm-eval's sequences share a forward pass, where memory allows."""
    return Rows(128 if ready.asked.spec.base.kind == "scratch" else 32, progress)
