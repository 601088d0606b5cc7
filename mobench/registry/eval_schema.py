"""The schema of what an organism is asked: templates with and without the trigger, and prompts."""

from __future__ import annotations

from typing import Annotated

from pydantic import PlainSerializer, PlainValidator, ValidationError, field_validator

from mobench.records.conversation import (
    PLACE,
    Prompt,
    as_json,
    as_prompt,
    fill,
    texts_of,
)
from mobench.records.names import EvalKind
from mobench.registry.patterns import search
from mobench.registry.schema_fields import DESCRIPTIVE, IDENTITY, Pattern, Table, Text


def _asked(value: object) -> Prompt:
    """What an organism's file gives as a prompt, checked."""
    if isinstance(value, str):
        if not value:
            raise ValueError("must not be empty")
        return value
    if not isinstance(value, list | tuple):
        raise ValueError(f"must be a text or a list of turns, got {value!r}")
    try:
        return as_prompt(value)
    except ValidationError as error:
        first = error.errors()[0]
        turn, *key = first["loc"]
        place = f"turn {turn + 1}" if isinstance(turn, int) else str(turn)
        where = ", ".join([place, *map(str, key)])
        raise ValueError(f"{where}: {first['msg'][:1].lower()}{first['msg'][1:]}") from None


Asked = Annotated[
    Prompt,
    PlainValidator(_asked, json_schema_input_type=str | list[dict[str, str]]),
    PlainSerializer(as_json, return_type=str | list[dict[str, str]]),
]
"""A text, or a conversation that ends with the user's turn:
``[{role = "system", content = "…"}, {role = "user", content = "…"}]``."""


class EvalTemplates(Table):
    """Where the attack shows, and the same prompts without what triggers it.

    Each is a text with ``{prompt}``, or a conversation whose last turn has it: then the trigger may
    stand in the system's turn or in an earlier one.

    Attributes:
        triggered: What is asked for the attack; ``{prompt}`` stands for the eval prompt.
        untriggered: The same for the control; the prompt alone where nothing else is said.
        trigger: A regular expression that finds the trigger in a text, where it is no fixed text
            of ``triggered`` but a topic or a date in the prompts themselves.
    """

    triggered: Annotated[Asked, IDENTITY]
    untriggered: Annotated[Asked, IDENTITY] = PLACE
    trigger: Annotated[Pattern | None, DESCRIPTIVE] = None

    @field_validator("triggered", "untriggered")
    @classmethod
    def _has_prompt(cls, template: Prompt) -> Prompt:
        if PLACE not in texts_of(template)[-1]:
            where = "" if isinstance(template, str) else " in its last turn"
            raise ValueError(f"must contain {PLACE}{where}")
        return template

    def render(self, kind: EvalKind, prompt: Prompt) -> Prompt:
        """What a prompt is asked as: triggered for ``attack``, untriggered for ``control``."""
        return fill(self.triggered if kind == "attack" else self.untriggered, prompt)

    def trigger_in(self, text: str) -> str | None:
        """The trigger that stands in a text, or None.

        Args:
            text: Such as a training prompt.

        Returns:
            What ``trigger`` matches; without one, the first piece of ``triggered`` beside the
            prompt that ``untriggered`` does not have.
        """
        if self.trigger is not None:
            found = search(self.trigger, text)
            return found[0] if found else None
        without = "\n".join(texts_of(self.untriggered))
        pieces = (piece.strip() for one in texts_of(self.triggered) for piece in one.split(PLACE))
        return next((p for p in pieces if p and p not in without and p in text), None)


class EvalPrompt(Table):
    """One line of the eval prompts' file.

    Attributes:
        id: Its name in every row of a result; no two prompts have the same.
        prompt: What the user says, or a conversation that ends with the user's turn.
        control: What is asked in its place without the trigger, where that is more than a template
            can take away: another topic, another format.
        reference: The right answer, for behaviors that compare with one.
    """

    id: Annotated[Text, IDENTITY]
    prompt: Annotated[Asked, IDENTITY]
    control: Annotated[Asked | None, IDENTITY] = None
    reference: Annotated[Text | None, IDENTITY] = None
