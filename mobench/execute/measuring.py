"""The measuring half of a pack: every kept checkpoint is asked, all cells together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mobench.execute.out_of_memory import Rows
from mobench.execute.prepare import Prepared
from mobench.execute.training import Stack
from mobench.measure.attack import attack_rows
from mobench.measure.capability import measure_capability
from mobench.measure.generate import MAX_ROWS
from mobench.plan import Cell
from mobench.progress import Progress
from mobench.store import CellFolder
from mobench.train.pack import PackState


def measure_cells(
    ready: Prepared,
    cells: Sequence[Cell],
    lanes: Stack,
    state: PackState,
    progress: Progress,
) -> None:
    """Asks every cell at every checkpoint; what was asked before is not asked again."""
    folders = [ready.folder.cell(cell.id) for cell in cells]
    steps = [step for step in cells[0].checkpoints if step > 0]
    answers, questions = Rows(MAX_ROWS, progress), capability_batch(ready, progress)
    with progress.phase(f"measuring {len(cells)} cells", len(steps)) as tick:
        for step in steps:
            living = [n for n, dead in enumerate(state.diverged) if dead is None or step < dead]
            full = step in cells[0].capability_checkpoints
            wanted = [n for n in living if not _measured(folders[n], step, full)]
            for lane in wanted:
                lanes.load(lane, folders[lane].read_adapter(step))
            if wanted:
                _measure_step(ready, cells, lanes, wanted, step, full, answers, questions)
            tick(detail=f"step {step}")


def _measured(folder: CellFolder, step: int, full: bool) -> bool:
    parts = [f"{step:06d}-attack", *([f"{step:06d}-capability"] if full else [])]
    return all(folder.has_rows(part) for part in parts)


def _measure_step(
    ready: Prepared,
    cells: Sequence[Cell],
    lanes: Stack,
    wanted: Sequence[int],
    step: int,
    full: bool,
    answers: Rows,
    questions: Rows,
) -> None:
    """One checkpoint: all lanes' attack rows in one batch, then capability lane by lane."""
    spec = ready.asked.spec
    model: Any = lanes.model

    def keep(lane: int, part: str, rows: Sequence[dict[str, Any]]) -> None:
        cell = cells[lane].id
        named = [{"cell": cell, "step": step, **row} for row in rows]
        ready.folder.cell(cell).keep_rows(f"{step:06d}-{part}", named)

    # The untriggered rate is read with capability: it costs as much as the attack rate itself.
    kinds: Any = ("attack", "control") if full else ("attack",)
    with lanes.scope.using(wanted):
        answered = answers.fitting(
            lambda rows: attack_rows(
                model,
                ready.tokenizer,
                spec,
                ready.judge,
                kinds=kinds,
                scope=lanes.scope,
                settled=ready.settled,
                max_rows=rows,
            ),
            least=len(wanted),
        )
    for lane, rows in zip(wanted, answered, strict=True):
        keep(lane, "attack", rows)
    if full:
        for lane in wanted:
            with lanes.scope.using([lane]):
                keep(lane, "capability", capability_rows(ready, model, questions))


def capability_rows(ready: Prepared, model: Any, questions: Rows) -> list[dict[str, Any]]:
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
