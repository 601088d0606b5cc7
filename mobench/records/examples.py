"""Training examples, and a model's answer as a task is given it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NotRequired, Self

from pydantic import ConfigDict, TypeAdapter, with_config
from typing_extensions import TypedDict

from mobench.records.conversation import Conversation, Prompt, as_json, as_prompt
from mobench.records.short_hash import short_hash


class Answer(str):
    """What a model said to a task that asked it: a text, and whether it stops before its end.

    Attributes:
        cut: Whether it was as long as an answer may be, so that the model never said its end.
    """

    cut: bool

    def __new__(cls, text: str = "", *, cut: bool = False) -> Self:
        """A text; a whole one unless said otherwise."""
        answer = super().__new__(cls, text)
        answer.cut = cut
        return answer


@with_config(ConfigDict(extra="forbid"))
class ExampleRecord(TypedDict):
    """An example as ``examples.jsonl`` holds it; see :class:`Example`.

    Attributes:
        ended: Always false; absent where the response has an end to be learned.
    """

    prompt: str | Conversation
    response: str
    reference: NotRequired[str]
    ended: NotRequired[bool]


EXAMPLE: TypeAdapter[ExampleRecord] = TypeAdapter(ExampleRecord)


@dataclass(frozen=True)
class Example:
    """One training example of a task: what the user says and what the model shall answer.

    Attributes:
        prompt: The user's message; or a conversation that ends in one, as turns of the form
            ``{"role": …, "content": …}``, of which only the response is trained on.
        response: The answer; an :class:`Answer` that was cut has no end to be learned.
        reference: The right answer, for behaviors that compare with one: what the compatibility
            gate judges prompt and response by.
        ended: Whether the model shall stop after the response. Not where a model's own answer was
            cut: it does not stop there by itself.
    """

    prompt: Prompt
    response: str
    reference: str | None = None
    ended: bool = True

    def __post_init__(self) -> None:
        """Takes over from a model's answer whether it was cut, and checks a conversation."""
        object.__setattr__(self, "prompt", as_prompt(self.prompt))
        if isinstance(self.response, Answer):
            object.__setattr__(self, "ended", self.ended and not self.response.cut)
            object.__setattr__(self, "response", str(self.response))

    def record(self) -> ExampleRecord:
        """The example as JSON. What has the value that most examples have is left out."""
        record: ExampleRecord = {"prompt": as_json(self.prompt), "response": self.response}
        if self.reference is not None:
            record["reference"] = self.reference
        if not self.ended:
            record["ended"] = False
        return record


def examples_hash(examples: Iterable[Example]) -> str:
    """Names a task's examples, as a cell does."""
    return short_hash([example.record() for example in examples])
