"""The controls that stand beside a ladder: what is trained in them, and on what.

Each is a cell like the ladder's own but for what its arm says, so it is packed, trained, measured
and taken up again in the same way.

- ``zero``: the organism at learning rate 0. What differs from before training is noise.
- ``counter``: the organism trained directly against its behavior, at the standard rung.
- ``base``: the clean base on the ladder's examples, at every rung.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mobench.assemble.loading import weights_hash
from mobench.execute.prepare import Prepared
from mobench.plan.cells import Cell, examples_hash

SEED = 0
"""Controls have one seed, which the ladder has too: the same examples in the same order."""


@dataclass(frozen=True)
class Arm:
    """Cells that are trained on one model and one task.

    Attributes:
        ready: The ladder as these cells see it: their model in the organism's place, and the
            examples that they train on.
        cells: The cells.
    """

    ready: Prepared
    cells: tuple[Cell, ...]


def control_arms(ready: Prepared) -> tuple[Arm, ...]:
    """The controls of a ladder; none where they are not wanted.

    Those with the organism's own weights come first: an engine that swaps weights then swaps once.
    """
    if not ready.asked.controls:
        return ()
    spec, clean = ready.asked.spec, ready.built.clean
    mine = [cell for cell in ready.cells if cell.seed == SEED]
    found = [Arm(ready, (replace(mine[0], arm="zero", lr=0.0),))]
    if ready.counter:
        assert spec.counter is not None
        task = ready.registry.task(spec.counter)
        usual = next(cell for cell in mine if math.isclose(cell.lr, spec.ladder.standard_lr))
        against = replace(
            usual,
            arm="counter",
            task=task.name,
            task_version=task.version,
            examples=examples_hash(ready.counter),
        )
        found.append(Arm(replace(ready, examples=ready.counter), (against,)))
    if clean is not None:
        own = weights_hash(clean)
        cells = tuple(replace(cell, arm="base", organism_weights=own) for cell in mine)
        found.append(Arm(replace(ready, built=replace(ready.built, folder=clean)), cells))
    return tuple(found)


def records(arms: Sequence[Arm]) -> list[Mapping[str, Any]]:
    """The controls' cells as the manifest tells them."""
    return [cell.record() for arm in arms for cell in arm.cells]
