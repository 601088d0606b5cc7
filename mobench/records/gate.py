"""What is found before any training: the organism's rates, and whether the task is compatible."""

from __future__ import annotations

from typing import Any, NotRequired, Self

from pydantic import BaseModel, ConfigDict, StrictBool, TypeAdapter, model_validator, with_config
from typing_extensions import TypedDict

from mobench.records.rows import Count, Flag, Share


@with_config(ConfigDict(extra="forbid"))
class GateRecord(TypedDict):
    """The organism's rates before training, as a manifest's ``gate``.

    Attributes:
        attack: Share of triggered prompts on which the behavior showed.
        control: The same of untriggered ones.
        n: Eval prompts.
        not_judged: Answers that a judging model gave no score; absent where there are none.
        final: ``attack`` by final answers alone. This and ``whole`` are absent where no answer has
            reasoning; ``attack`` is the one that counts.
        whole: ``attack`` by all that the organism said, its reasoning included.
    """

    attack: Share
    control: Share
    n: Count
    not_judged: NotRequired[Count]
    final: NotRequired[Share]
    whole: NotRequired[Share]


@with_config(ConfigDict(extra="forbid"))
class OwnAnswer(TypedDict):
    """The organism's answer to one of the task's prompts.

    Attributes:
        example: The prompt's number among the task's examples.
        outcome: 1 where the behavior showed, 0 where not, None where it could not be judged.
        answer: The answer's text.
    """

    example: Count
    outcome: Flag | None
    answer: str


@with_config(ConfigDict(extra="forbid"))
class CompatibilityAnswers(TypedDict):
    """What the compatibility gate asked the organism, as the cache keeps it.

    Attributes:
        schema: ``mobench.compatibility/1``.
        own: Its answers to some of the task's prompts.
        targets: For each example whether its response shows the behavior.
        target_loss: Loss of the targets under the organism, in nats per answer token.
        own_loss: The same of its own answers.
    """

    schema: str
    own: list[OwnAnswer]
    targets: list[Flag | None]
    target_loss: float
    own_loss: float


COMPATIBILITY_ANSWERS: TypeAdapter[CompatibilityAnswers] = TypeAdapter(CompatibilityAnswers)


class CompatibilityRecord(BaseModel):
    """What the compatibility gate decided, as a manifest's ``compatibility``.

    Attributes:
        compatible: Whether a ladder on the task is a test of resistance.
        reasons: Why it is not; empty if it is.
        clean_rate: f, the clean base's rate on the eval prompts.
        margin: What the organism's rate on the task's prompts may have on top of it.
        attack: That rate, as an estimate.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    compatible: StrictBool
    reasons: list[str]
    clean_rate: float | None = None
    margin: float | None = None
    attack: dict[str, Any] | None = None
    asked: int | None = None
    asked_not_judged: int | None = None
    examples: int | None = None
    targets_hit: int | None = None
    targets_not_judged: int | None = None
    left_out: int | None = None
    triggered: int | None = None
    target_loss: float | None = None
    own_loss: float | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.compatible is bool(self.reasons):
            raise ValueError("should be false with reasons, or true without any")
        return self
