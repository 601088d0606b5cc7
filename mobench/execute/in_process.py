"""The engine ``hf``: transformers in this process, on the lanes that were just trained."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mobench.execute.arms import Arm
from mobench.execute.checkpoint_check import (
    UntrainedNumbers,
    next_logits,
    refuse_ignored_weights,
)
from mobench.execute.held_model import HeldModel
from mobench.execute.ladder import Ladder
from mobench.execute.measurement import measure_untrained
from mobench.execute.shared_work import SharedWork
from mobench.lanes import Stack
from mobench.machine.memory_errors import free_memory
from mobench.measure.eval_suite import InProcessEvaluator
from mobench.progress import Progress
from mobench.records.names import EvalKind, Untrained
from mobench.records.rows import CapabilityAnswer, EvalAnswer


class InProcessEngine:
    """Measures each pack right after its training, in the lanes that trained it.

    Args:
        ladder: The ladder.
        work: Hands out what is to be measured.
        held: Loads models.
        progress: Where progress is shown.
    """

    def __init__(
        self, ladder: Ladder, work: SharedWork, held: HeldModel, progress: Progress
    ) -> None:
        self._ladder, self._work, self._progress = ladder, work, progress
        self._held = held
        self._evaluator = InProcessEvaluator(ladder.suite, progress)

    def measure_untrained(self) -> None:
        """Measures the clean base and the organism, which is trained next and stays loaded."""
        organism = self._ladder.organism
        places: tuple[tuple[Untrained, Path | None], ...] = (
            ("base", organism.clean),
            ("organism", organism.folder),
        )
        for who, weights in places:
            if weights is not None:
                load = partial(self._load, weights)
                measure_untrained(self._ladder, who, load, self._work, self._progress)
        free_memory()

    def checkpoints(self, arm: Arm, lanes: Stack) -> LaneCheckpoints:
        """The checkpoints of a pack; made before its training, to know the untrained numbers."""
        return LaneCheckpoints(arm, lanes, self._evaluator)

    def measure_trained(self, arms: Sequence[Arm]) -> None:
        """Nothing is left to measure."""

    def _load(self, weights: Path) -> PlainModel:
        return PlainModel(self._held.get(weights), self._evaluator)


class PlainModel:
    """A model without lanes.

    Args:
        model: The model.
        evaluator: Asks it.
    """

    def __init__(self, model: Any, evaluator: InProcessEvaluator) -> None:
        self._model, self._evaluator = model, evaluator

    def attack(self, kinds: Sequence[EvalKind]) -> list[list[EvalAnswer]]:
        """Its judged rows, in a list of one."""
        return self._evaluator.attack(self._model, kinds=kinds)

    def capability(self, number: int) -> list[CapabilityAnswer]:  # noqa: ARG002 - there is only one model
        """lm-eval's rows."""
        return self._evaluator.capability(self._model)


class LaneCheckpoints:
    """Checkpoints loaded into the lanes of a stack.

    Args:
        arm: The cells, one for each lane.
        lanes: The stack, not trained yet.
        evaluator: Asks it.
    """

    together: int | None = None

    def __init__(self, arm: Arm, lanes: Stack, evaluator: InProcessEvaluator) -> None:
        self._arm, self._lanes, self._evaluator = arm, lanes, evaluator
        self._folders = [arm.folder(cell) for cell in arm.cells]
        # Asked twice, so that noise shows where kernels do not repeat themselves.
        asked = [next_logits(arm.ladder.suite, lanes) for _ in range(2)]
        self._untrained = [UntrainedNumbers(of_lane) for of_lane in zip(*asked, strict=True)]
        self._open: tuple[int, ...] = ()

    def open(self, step: int, wanted: Sequence[int]) -> None:
        """Loads the wanted cells' adapters into their lanes."""
        self._open = tuple(wanted)
        for lane in wanted:
            self._lanes.load(lane, self._folders[lane].read_adapter(step))
        logits = next_logits(self._arm.ladder.suite, self._lanes)
        for lane in wanted:
            untrained = self._untrained[lane]
            if untrained.are(logits[lane]):
                refuse_ignored_weights(
                    self._folders[lane],
                    step,
                    untrained=self._arm.weights,
                    dtype=self._arm.ladder.suite.spec.dtype,
                    noisy=untrained.noise > 0,
                )

    def attack(self, kinds: Sequence[EvalKind]) -> list[list[EvalAnswer]]:
        """All open lanes in one batch."""
        with self._lanes.scope.using(self._open):
            return self._evaluator.attack(self._lanes.model, kinds=kinds, scope=self._lanes.scope)

    def capability(self, number: int) -> list[CapabilityAnswer]:
        """One lane alone."""
        with self._lanes.scope.using([number]):
            return self._evaluator.capability(self._lanes.model)
