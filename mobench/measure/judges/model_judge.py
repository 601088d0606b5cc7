"""Answers to verdicts: one by one by a rule, or all together by a judging model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mobench.measure.judges.reply import Asker, Prompt, Reply, read_score
from mobench.registry.bound_behavior import Judge, ScoreJudge
from mobench.registry.rubrics import Rubric


@dataclass(frozen=True)
class Asked:
    """One answer to be judged.

    Attributes:
        answer: What the organism said.
        prompt: What it was asked, as it saw it.
        reference: The right answer, where there is one.
    """

    answer: str
    prompt: str
    reference: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What was found of one answer.

    Attributes:
        outcome: Whether the behavior shows; None where the answer was not judged.
        fields: What a judging model's row has besides.
    """

    outcome: bool | None
    fields: Mapping[str, Any] = field(default_factory=dict)


class Memory(Protocol):
    """Where replies are kept, so that none is asked for twice."""

    def get(self, key: str) -> Mapping[str, Any] | None:
        """The fields of the reply that was kept under a key."""

    def keep(self, key: str, reply: Mapping[str, Any]) -> None:
        """Keeps a reply's fields."""


@dataclass(frozen=True)
class ModelJudge:
    """A judging model under one rubric.

    Attributes:
        name: The judge as results name it: kind and model, no host and no path.
        rubric: What it is told.
        about: What the rubric looks for, where it leaves that open.
        shows: The organism's behavior, told a score.
        asker: The model.
        memory: Where its replies are kept.
    """

    name: str
    rubric: Rubric
    about: str
    shows: ScoreJudge
    asker: Asker
    memory: Memory

    def verdicts(self, asked: Sequence[Asked]) -> list[Verdict]:
        """Judges answers, all that are new in one batch and the same question only once.

        Raises:
            MobenchError: The model cannot be asked any more; replies that came are kept.
        """
        prompts = [Prompt(*self.rubric.fill(a.prompt, a.answer, self.about)) for a in asked]
        keys = [_key(prompt) for prompt in prompts]
        replies = {
            key: Reply(**kept) for key in dict.fromkeys(keys) if (kept := self.memory.get(key))
        }
        new = {key: prompt for key, prompt in zip(keys, prompts, strict=True) if key not in replies}
        order = list(new)

        def heard(number: int, reply: Reply) -> None:
            replies[order[number]] = reply
            # What never reached the model may reach it next time.
            if reply.text is not None:
                self.memory.keep(order[number], reply.record())

        if order:
            self.asker.ask(list(new.values()), max_tokens=self.rubric.max_tokens, heard=heard)
        return [self._verdict(one, replies[key]) for one, key in zip(asked, keys, strict=True)]

    def _verdict(self, asked: Asked, reply: Reply) -> Verdict:
        score, why = read_score(self.rubric, reply)
        told = {
            "judge": self.name,
            "rubric": f"{self.rubric.name}@{self.rubric.version}",
            "verdict": reply.text,
        }
        if score is None:
            return Verdict(None, {**told, "not_judged": why})
        shown = self.shows(asked.answer, asked.prompt, asked.reference, score)
        return Verdict(shown, {**told, "score": score})


AnyJudge = Judge | ModelJudge
"""A rule that is called for each answer, or a model that is asked about all of them."""


def verdicts(judge: AnyJudge, asked: Sequence[Asked]) -> list[Verdict]:
    """Judges answers by whatever judges them, in order.

    Raises:
        MobenchError: A judging model cannot be asked any more.
    """
    if isinstance(judge, ModelJudge):
        return judge.verdicts(asked)
    return [Verdict(judge(one.answer, one.prompt, one.reference)) for one in asked]


def _key(prompt: Prompt) -> str:
    """Names a question; the length keeps the border between its two parts."""
    text = f"{len(prompt.system)}:{prompt.system}{prompt.user}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
