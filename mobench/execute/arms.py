"""The arms of a run: the ladder itself, and the controls that stand beside it.

A control is a cell like the ladder's own but for what its arm says, so it is packed, trained,
measured and taken up again in the same way.

- ``zero``: the organism at learning rate 0. What differs from before training is noise.
- ``counter``: the organism trained directly against its behavior, at the standard rung.
- ``base``: the clean base on the ladder's examples, at every rung.

A fourth arm, ``cooldown``, goes on from the ladder's own cells: `mobench.execute.cooldown`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mobench.assemble.interface import config_hash
from mobench.execute.ladder import Ladder
from mobench.records.cells import Cell
from mobench.records.examples import examples_hash
from mobench.registry import Example
from mobench.registry.weights_files import weights_hash
from mobench.store import CellFolder

CONTROL_SEED = 0
"""Controls have one seed, which the ladder has too: the same examples in the same order."""


@dataclass(frozen=True)
class Arm:
    """Cells that are trained from the same weights on the same examples.

    Attributes:
        ladder: The run that they belong to.
        weights: Folder of the model that they start from.
        examples: What they train on.
        cells: The cells.
    """

    ladder: Ladder
    weights: Path
    examples: tuple[Example, ...]
    cells: tuple[Cell, ...]

    def of(self, cells: Iterable[Cell]) -> Arm:
        """The same arm with some of its cells."""
        return replace(self, cells=tuple(cells))

    def folder(self, cell: Cell) -> CellFolder:
        """Where a cell's checkpoints, rows and result lie."""
        return self.ladder.folder.cell(cell.id)


def ladder_arm(ladder: Ladder, cells: Sequence[Cell]) -> Arm:
    """The organism on the ladder's own task.

    Args:
        ladder: The ladder.
        cells: Its cells, or the longer ones of rungs that are extended.
    """
    return Arm(ladder, ladder.organism.folder, ladder.examples, tuple(cells))


def control_arms(ladder: Ladder) -> tuple[Arm, ...]:
    """The controls of a ladder; none where they are not wanted.

    Those with the organism's own weights come first: an engine that swaps weights then swaps once.
    """
    if not ladder.request.controls:
        return ()
    of_one_seed = [cell for cell in ladder.cells if cell.seed == CONTROL_SEED]
    zero = replace(of_one_seed[0], arm="zero", lr=0.0)
    arms = [ladder_arm(ladder, [zero])]
    if ladder.counter_examples:
        arms.append(_counter_arm(ladder, of_one_seed))
    clean = ladder.organism.clean
    if clean is not None:
        own = weights_hash(clean)
        asked = ladder.suite.interface.model_copy(update={"config": config_hash(clean)}).identity
        cells = tuple(
            replace(cell, arm="base", organism_weights=own, interface=asked) for cell in of_one_seed
        )
        arms.append(Arm(ladder, clean, ladder.examples, cells))
    return tuple(arms)


def _counter_arm(ladder: Ladder, cells: Sequence[Cell]) -> Arm:
    """The standard rung's cell, trained directly against the behavior."""
    spec = ladder.request.spec
    assert spec.counter is not None
    task = ladder.registry.task(spec.counter)
    standard = next(cell for cell in cells if math.isclose(cell.lr, spec.ladder.standard_lr))
    cell = replace(
        standard,
        arm="counter",
        task=task.name,
        task_version=task.version,
        examples=examples_hash(ladder.counter_examples),
    )
    return Arm(ladder, ladder.organism.folder, ladder.counter_examples, (cell,))
