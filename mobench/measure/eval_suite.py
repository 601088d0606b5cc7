"""What every model of a run is asked: the organism's eval prompts and capability questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mobench.chat import ChatFormat
from mobench.decode.answers import MAX_ROWS
from mobench.decode.batch_size import Answered, BatchSize
from mobench.lanes import Scope
from mobench.measure.attack_rows import attack_rows
from mobench.measure.capability_rows import measure_capability
from mobench.measure.judges import AnyJudge
from mobench.progress import Progress
from mobench.records.manifest_parts import InterfacePart
from mobench.records.names import EVAL_KINDS, EvalKind
from mobench.records.rows import CapabilityAnswer, EvalAnswer
from mobench.registry import OrganismSpec, Settled

QUESTIONS_OF_A_TOY, QUESTIONS, QUESTIONS_ON_GPU = 128, 32, 128
"""Sequences in lm-eval's forward pass where memory allows, for a toy and for any other model; on a
GPU a token of an answer costs the same launches however many rows there are."""


@dataclass(frozen=True)
class EvalSuite:
    """The questions of one organism, and what judges the answers.

    Attributes:
        spec: Gives eval prompts, templates, the length of an answer, and the capability tasks.
        chat: Renders prompts with the organism's tokenizer, and says where answers end.
        interface: What decides prompts and answers beside the weights.
        judge: The organism's behavior, or the model that judges it.
        settled: Takes an answer so far and returns whether no further text can change its
            judgment; None where that can never be known.
        capability_dir: Folder of lm-eval task YAMLs.
    """

    spec: OrganismSpec
    chat: ChatFormat
    interface: InterfacePart
    judge: AnyJudge
    settled: Settled | None
    capability_dir: Path

    def judged_by(self, judge: AnyJudge) -> EvalSuite:
        """Returns the same questions with another judge."""
        return replace(self, judge=judge)


class InProcessEvaluator:
    """Asks models in this process, in batches as large as memory allows.

    A batch size that memory was enough for is kept for all models that are asked later.

    Args:
        suite: What is asked.
        progress: Where a note says that smaller batches are tried.
    """

    def __init__(self, suite: EvalSuite, progress: Progress) -> None:
        self._suite, self._progress = suite, progress
        self._answers = BatchSize(MAX_ROWS, progress)
        self._questions: BatchSize | None = None

    def attack(
        self,
        model: Any,
        *,
        kinds: Sequence[EvalKind] = EVAL_KINDS,
        scope: Scope | None = None,
        on_done: Callable[[int], None] = lambda _: None,
    ) -> list[list[EvalAnswer]]:
        """Returns the judged rows of each lane, without ``cell`` and ``step``.

        Args:
            model: The model to ask.
            kinds: Triggered (``attack``) and untriggered (``control``) prompts, or one of them.
            scope: The lanes on the model, those to ask in use; None for a plain model.
            on_done: Called with the number of prompts just answered.
        """
        suite, answered = self._suite, Answered()
        return self._answers.within_memory(
            lambda rows: attack_rows(
                model,
                suite.chat,
                suite.spec,
                suite.judge,
                kinds=kinds,
                scope=scope,
                settled=suite.settled,
                max_rows=rows,
                answered=answered,
                on_done=on_done,
            ),
            least=1 if scope is None else len(scope.active),
        )

    def capability(self, model: Any) -> list[CapabilityAnswer]:
        """Returns the capability rows of a model, without ``cell`` and ``step``."""
        suite, answered = self._suite, Answered()
        if self._questions is None:
            usual = QUESTIONS if model.device.type == "cpu" else QUESTIONS_ON_GPU
            rows = QUESTIONS_OF_A_TOY if suite.spec.base.kind == "scratch" else usual
            self._questions = BatchSize(rows, self._progress)
        return self._questions.within_memory(
            lambda rows: measure_capability(
                model,
                suite.chat,
                suite.spec.capability,
                include_path=suite.capability_dir,
                batch_size=rows,
                answered=answered,
            )
        )
