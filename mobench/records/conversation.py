"""What a model is asked: a user's message, or a whole conversation that the model answers next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass

Role = Literal["system", "user", "assistant"]
PLACE = "{prompt}"
"""Where a template takes in the prompt. Other braces stay as they are: it is no ``str.format``."""
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\u2800\u3164\ufeff"
"""What is neither seen nor a space: marks of no width, and blank letters."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Message:
    """One turn of a conversation."""

    role: Role
    content: str

    def record(self) -> dict[str, str]:
        """The turn as JSON, and as a chat template takes it."""
        return {"role": self.role, "content": self.content}


Conversation = tuple[Message, ...]
Prompt = str | Conversation
"""A user's message alone, or a conversation that ends in one."""

CONVERSATION: TypeAdapter[Conversation] = TypeAdapter(Conversation)


def as_conversation(prompt: Prompt) -> Conversation:
    """The turns of a prompt: a text is one turn of the user's."""
    return (Message("user", prompt),) if isinstance(prompt, str) else prompt


def as_prompt(given: Prompt | Iterable[Message | Mapping[str, str]]) -> Prompt:
    """A prompt from what the author of a task may write: a text, or turns as dictionaries.

    Raises:
        ValueError: A turn has another role or other keys, or the conversation is no prompt.
    """
    if isinstance(given, str):
        return str(given)
    turns = CONVERSATION.validate_python(tuple(given))
    if problem := conversation_problem(turns):
        raise ValueError(problem)
    return turns


def conversation_problem(turns: Conversation) -> str | None:
    """Why a conversation is no prompt; None where it is one."""
    if not turns:
        return "a conversation must have at least one turn"
    if turns[-1].role != "user":
        return f"a conversation must end with the user's turn, not the {turns[-1].role}'s"
    if any(turn.role == "system" for turn in turns[1:]):
        return "only the first turn may be the system's"
    return None


def texts_of(prompt: Prompt) -> list[str]:
    """The text of each turn."""
    return [turn.content for turn in as_conversation(prompt)]


def as_text(prompt: Prompt) -> str:
    """A prompt as a person or a judge reads it; a user's message alone is just its text."""
    turns = as_conversation(prompt)
    if [turn.role for turn in turns] == ["user"]:
        return turns[0].content
    return "\n\n".join(f"{turn.role}: {turn.content}" for turn in turns)


def as_json(prompt: Prompt) -> Any:
    """A prompt as JSON: a text, or a list of turns."""
    return prompt if isinstance(prompt, str) else [turn.record() for turn in prompt]


def fill(template: Prompt, prompt: Prompt) -> Prompt:
    """Puts a prompt where a template says ``{prompt}``.

    Args:
        template: A text with ``{prompt}``, or a conversation whose last turn has it.
        prompt: A user's message, or a conversation. Then the template's last turn is filled with
            the conversation's last one, and the turns before it stand in front. Two system turns
            become one, the template's first.
    """
    if isinstance(template, str) and isinstance(prompt, str):
        return template.replace(PLACE, prompt)
    turns, asked = as_conversation(template), as_conversation(prompt)
    filled = [Message(t.role, t.content.replace(PLACE, asked[-1].content)) for t in turns]
    before = [*filled[:-1], *asked[:-1]]
    system = [turn.content for turn in before if turn.role == "system"]
    rest = [turn for turn in before if turn.role != "system"]
    head = [Message("system", "\n\n".join(system))] if system else []
    return (*head, *rest, filled[-1])


def is_blank(text: str) -> bool:
    """Whether nothing is to be seen in a text."""
    return all(mark.isspace() or mark in _INVISIBLE for mark in text)
