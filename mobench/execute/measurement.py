"""Measuring a run: untrained models and every kept checkpoint are asked, through whatever engine.

What was asked before is not asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from mobench.execute.arms import Arm
from mobench.execute.ladder import Ladder
from mobench.execute.shared_work import SharedWork
from mobench.progress import Progress
from mobench.records.names import EVAL_KINDS, EvalKind, Untrained
from mobench.records.rows import Answer, CapabilityAnswer, EvalAnswer, placed
from mobench.store import CellFolder


class Models(Protocol):
    """Models that are ready to be asked."""

    def attack(self, kinds: Sequence[EvalKind]) -> list[list[EvalAnswer]]:
        """Each model's judged rows, without ``cell`` and ``step``."""

    def capability(self, number: int) -> list[CapabilityAnswer]:
        """lm-eval's rows of one of the models, without ``cell`` and ``step``."""


class Checkpoints(Models, Protocol):
    """Trained checkpoints of an arm's cells; the models that are asked are those opened last.

    Attributes:
        together: How many cells can be open at once; None for all.
    """

    together: int | None

    def open(self, step: int, wanted: Sequence[int]) -> None:
        """Gets one checkpoint of each wanted cell (by number) ready to be asked.

        Raises:
            MobenchError: One cannot be read, or its weights make no difference to the model.
        """


class Engine(Protocol):
    """What answers in a run, before training and after."""

    def measure_untrained(self) -> None:
        """Measures organism and clean base, if that is possible before anything is trained."""

    @property
    def checkpoints(self) -> Callable[[Arm, Any], Checkpoints] | None:
        """Gets the checkpoints of a pack from the arm and the lanes that it is to be trained in.

        None where the engine measures only after all packs are trained.
        """

    def measure_trained(self, arms: Sequence[Arm]) -> None:
        """Measures what is trained and not measured yet, untrained models among it."""


def measure_untrained(
    ladder: Ladder,
    who: Untrained,
    load: Callable[[], Models],
    work: SharedWork,
    progress: Progress,
) -> None:
    """Asks the organism or its clean base as they are before any training.

    Args:
        ladder: The ladder.
        who: Which of them.
        load: Gets the model ready; called only if something is to be asked.
        work: Lets one process do it.
        progress: Where progress is shown.
    """
    folder = ladder.folder.reference(who)

    def missing() -> list[str]:
        return [part for part in ("attack", "capability") if not folder.has_rows(part)]

    work.once(
        f"untrained-{who}",
        lambda: not missing(),
        lambda: _ask_untrained(folder, who, missing(), load(), progress),
    )


def _ask_untrained(
    folder: CellFolder,
    who: Untrained,
    missing: Sequence[str],
    models: Models,
    progress: Progress,
) -> None:
    """Asks a model what has not been asked of it."""
    with progress.phase(f"measuring the {who} before training", len(missing)) as tick:
        for part in missing:
            rows = models.capability(0) if part == "capability" else models.attack(EVAL_KINDS)[0]
            folder.keep_rows(part, placed(rows, cell=who, step=0))
            tick()


def measure_cells(arm: Arm, checkpoints: Checkpoints, progress: Progress) -> None:
    """Asks every cell of an arm at every checkpoint.

    Args:
        arm: Trained cells of one budget.
        checkpoints: Their checkpoints.
        progress: Where progress is shown.
    """
    cells = arm.cells
    folders = [arm.folder(cell) for cell in cells]
    diverged_at = [folder.training()["diverged_at"] for folder in folders]
    steps = [step for step in cells[0].checkpoints if step > 0]
    with progress.phase(f"measuring {len(cells)} cells", len(steps)) as tick:
        for step in steps:
            alive = [n for n, end in enumerate(diverged_at) if end is None or step < end]
            with_capability = step in cells[0].capability_checkpoints
            wanted = [n for n in alive if not _is_measured(folders[n], step, with_capability)]
            size = checkpoints.together or max(1, len(wanted))
            for start in range(0, len(wanted), size):
                _measure_step(
                    folders,
                    checkpoints,
                    wanted[start : start + size],
                    step=step,
                    with_capability=with_capability,
                )
            tick(detail=f"step {step}")


def _is_measured(folder: CellFolder, step: int, with_capability: bool) -> bool:
    parts = [f"{step:06d}-attack", *([f"{step:06d}-capability"] if with_capability else [])]
    return all(folder.has_rows(part) for part in parts)


def _measure_step(
    folders: Sequence[CellFolder],
    checkpoints: Checkpoints,
    wanted: Sequence[int],
    *,
    step: int,
    with_capability: bool,
) -> None:
    """One checkpoint: all cells' attack rows in one batch, then capability cell by cell."""

    def keep(number: int, part: str, rows: Sequence[Answer]) -> None:
        named = placed(rows, cell=folders[number].path.name, step=step)
        folders[number].keep_rows(f"{step:06d}-{part}", named)

    checkpoints.open(step, wanted)
    # The untriggered rate is read with capability: it costs as much as the attack rate itself.
    kinds: Sequence[EvalKind] = EVAL_KINDS if with_capability else ("attack",)
    for number, rows in zip(wanted, checkpoints.attack(kinds), strict=True):
        keep(number, "attack", rows)
    if with_capability:
        for number in wanted:
            keep(number, "capability", checkpoints.capability(number))
