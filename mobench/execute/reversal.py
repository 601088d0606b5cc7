"""The arms ``reversal``: is a removed behavior gone, or does undoing the task bring it back?

From the end of the rung that removes the behavior a model is trained on, on data that undo the
ladder's task and show nothing of the behavior. What comes back was only suppressed. Two controls of
one seed stand beside it, one for each answer:

- ``reversal-base``: the clean base after the same training, reversed alike. If it shows the
  behavior too, the data teach it, and a return means nothing.
- ``reversal-organism``: the organism itself on the undoing data alone. If that takes the behavior
  from it, that nothing returns means nothing.

Moments begin anew: whoever trains a model on has its weights, and not its optimizer's state. So
nothing has to be kept of a ladder's cells but their last checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mobench.execute.arms import CONTROL_SEED, Arm
from mobench.execute.ladder import Ladder
from mobench.lanes import Lanes
from mobench.plan.reversal import reversal_cells
from mobench.records.cells import Cell
from mobench.records.examples import examples_hash
from mobench.records.names import REVERSAL_ARMS, ReversalArm
from mobench.score.reversal import removing_rung
from mobench.score.scores import RunScore


def reversal_arms(
    ladder: Ladder, score: RunScore, cells: Sequence[Cell], base_cells: Iterable[Cell]
) -> tuple[Arm, ...]:
    """The arms of a reversal; none where no rung removes the behavior or nothing undoes the task.

    They depend on the finished ladder alone, so a run that is stopped and started again comes to
    the same ones.

    Args:
        ladder: The ladder.
        score: The finished ladder's.
        cells: The cells that it is scored from, all finished.
        base_cells: The clean base's under the same training, finished too.
    """
    undoing, rung = ladder.undoing, removing_rung(score)
    if rung is None or undoing is None or undoing.task is None or not undoing.examples:
        return ()
    task, examples = undoing.task, undoing.examples
    preset, spec = ladder.request.preset, ladder.request.spec

    def arm(name: ReversalArm, parents: Sequence[Cell]) -> Arm:
        reversed_cells = reversal_cells(
            parents,
            preset,
            arm=name,
            standard_lr=spec.ladder.standard_lr,
            task=task.name,
            task_version=task.version,
            examples=examples_hash(examples),
        )
        clean = ladder.organism.clean if name == "reversal-base" else None
        return Arm(ladder, clean or ladder.organism.folder, examples, reversed_cells)

    def by_seed(some: Iterable[Cell]) -> list[Cell]:
        return sorted((cell for cell in some if cell.lr == rung.lr), key=lambda cell: cell.seed)

    seeds = by_seed(cells)[: preset.reversal_seeds]
    arms = [arm("reversal", seeds)]
    arms.append(
        arm("reversal-organism", [cell for cell in ladder.cells if cell.seed == CONTROL_SEED][:1])
    )
    # One that diverged has left no weights to go on from.
    ended = [cell for cell in by_seed(base_cells) if _is_whole(ladder, cell)]
    if ended:
        arms.append(arm("reversal-base", ended[:1]))
    return tuple(arms)


def begin_from_parents(arm: Arm, lanes: Lanes) -> None:
    """Puts weights where a reversal begins; nothing where cells begin from their arm's weights.

    Args:
        arm: Cells, one for each lane.
        lanes: Their lanes, before an optimizer takes them.
    """
    for lane, cell in enumerate(arm.cells):
        if cell.arm in REVERSAL_ARMS and cell.parent is not None:
            parent = arm.ladder.folder.cell(cell.parent)
            result = parent.result()
            assert result is not None, "a reversal begins where a finished cell ended"
            lanes.load(lane, parent.read_adapter(result["checkpoints"][-1]))


def _is_whole(ladder: Ladder, cell: Cell) -> bool:
    """Whether a cell reached its budget."""
    result = ladder.folder.cell(cell.id).result()
    return result is not None and result["diverged_at"] is None
