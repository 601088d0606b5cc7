"""Rubrics: a judging model's instructions, and how its score is read; ``rubrics/NAME.toml``.

A rubric is data of the tasks' folder. Its version is a hash of all that decides a score, and is
part of the identity of every organism that is judged by it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import ValidationError, model_validator

from mobench.records.short_hash import short_hash
from mobench.registry.organism_spec import identity
from mobench.registry.schema_fields import DESCRIPTIVE, IDENTITY, Count, Name, Pattern, Table, Text
from mobench.registry.toml_file import read_toml
from mobench.registry.validation_errors import schema_errors

FOLDER = "rubrics"
_PLACE = re.compile(r"\{(question|answer|about)\}")


class Rubric(Table):
    """One rubric.

    Attributes:
        name: The file's name without its ending.
        summary: What it measures, in a sentence.
        source: Whose measure it follows, and in what it differs.
        scale: Lowest and highest score, both inclusive. A higher one shows more of the behavior.
        max_tokens: Length at which a reply is cut.
        system: The judging model's system message.
        user: Its user message, with ``{question}``, ``{answer}`` and perhaps ``{about}``.
        reply: A regular expression that a whole reply, stripped, has to match; its one group is
            the score.
    """

    name: Annotated[Name, DESCRIPTIVE]
    summary: Annotated[Text, DESCRIPTIVE]
    source: Annotated[Text, DESCRIPTIVE]
    scale: Annotated[tuple[float, float], IDENTITY]
    max_tokens: Annotated[Count, IDENTITY]
    system: Annotated[Text, IDENTITY]
    user: Annotated[Text, IDENTITY]
    reply: Annotated[Pattern, IDENTITY]

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.scale[0] >= self.scale[1]:
            raise ValueError(f"scale must rise, got {list(self.scale)}")
        for place in ("{question}", "{answer}"):
            if place not in self.user:
                raise ValueError(f"user must contain {place}")
        if re.compile(self.reply).groups != 1:
            raise ValueError("reply must have exactly one group: the score")
        return self

    @property
    def version(self) -> str:
        """First 12 hex digits of the SHA-256 over everything that decides a score."""
        return short_hash(identity(self))

    @property
    def prompt_hash(self) -> str:
        """First 12 hex digits of the SHA-256 over the judging model's instructions."""
        return short_hash([self.system, self.user])

    @property
    def takes_about(self) -> bool:
        """Whether an organism has to say what is looked for."""
        return "{about}" in self.system + self.user

    def fill(self, question: str, answer: str, about: str = "") -> tuple[str, str]:
        """System and user message for one answer.

        Braces in what is filled in stay as they are: an answer cannot bring in another text.
        """
        given = {"question": question, "answer": answer, "about": about}
        system, user = (
            _PLACE.sub(lambda place: given[place[1]], text.strip())
            for text in (self.system, self.user)
        )
        return system, user


def read_rubrics(
    folders: Sequence[Path], problems: list[str], broken: dict[str, str]
) -> dict[str, Rubric]:
    """Reads every rubric; a name belongs to the first folder that has it.

    Args:
        folders: The folders of tasks.
        problems: Receives ``file:line: what`` for everything that is wrong.
        broken: Receives the names of those that are not right, each with its first problem.
    """
    found: dict[str, Rubric] = {}
    for path in (path for folder in folders for path in sorted((folder / FOLDER).glob("*.toml"))):
        already = len(problems)
        file = read_toml(path, problems)
        if file is None:
            broken[path.stem] = problems[already]
            continue
        try:
            rubric = Rubric.model_validate({**file.data, "name": path.stem})
        except ValidationError as error:
            for one in schema_errors(error):
                problems.append(f"{file.place(one.location)}: {one.what}")
            broken[path.stem] = problems[already]
            continue
        found.setdefault(rubric.name, rubric)
    return found
