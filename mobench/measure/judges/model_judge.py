"""Judgments of answers: by a rule, one by one, or by a judging model, all in one batch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mobench.measure.judges.reply import Asker, Prompt, Reply, read_score
from mobench.registry.bound_behavior import Judge, ScoreJudge
from mobench.registry.rubrics import Rubric


@dataclass(frozen=True)
class AnswerToJudge:
    """One answer to be judged.

    Attributes:
        answer: The organism's answer.
        prompt: The prompt that it answered, as it saw it.
        reference: The right answer, where there is one.
    """

    answer: str
    prompt: str
    reference: str | None = None


@dataclass(frozen=True)
class Judgment:
    """The judgment of one answer.

    Attributes:
        outcome: Whether the behavior shows; None where the answer was not judged.
        fields: Further fields of the answer's row; empty where a rule judged.
    """

    outcome: bool | None
    fields: Mapping[str, Any] = field(default_factory=dict)


class Memory(Protocol):
    """A store of replies, so that none is asked for twice."""

    def get(self, key: str) -> Mapping[str, Any] | None:
        """The fields of the reply that is stored under a key; None if there is none."""

    def keep(self, key: str, reply: Mapping[str, Any]) -> None:
        """Stores a reply's fields under a key."""


@dataclass(frozen=True)
class ModelJudge:
    """A judging model under one rubric.

    Attributes:
        name: The judge as results name it: kind and model, no host and no path.
        rubric: The instructions that the model judges by.
        about: What the rubric looks for, where it leaves that open.
        shows: The organism's behavior: whether it shows in an answer with a given score.
        asker: Sends prompts to the model.
        memory: Where the model's replies are stored.
    """

    name: str
    rubric: Rubric
    about: str
    shows: ScoreJudge
    asker: Asker
    memory: Memory

    def judge_answers(self, answers: Sequence[AnswerToJudge]) -> list[Judgment]:
        """Judges answers: all new questions in one batch, the same question only once.

        Args:
            answers: The answers to be judged.

        Returns:
            Their judgments, in order.

        Raises:
            MobenchError: The model cannot be asked any more. Replies that came are stored.
        """
        prompts = [Prompt(*self.rubric.fill(a.prompt, a.answer, self.about)) for a in answers]
        keys = [_key(prompt) for prompt in prompts]
        replies = {
            key: Reply(**stored) for key in dict.fromkeys(keys) if (stored := self.memory.get(key))
        }
        new = {key: prompt for key, prompt in zip(keys, prompts, strict=True) if key not in replies}
        new_keys = list(new)

        def store(number: int, reply: Reply) -> None:
            replies[new_keys[number]] = reply
            # A question that never reached the model may reach it next time.
            if reply.text is not None:
                self.memory.keep(new_keys[number], reply.record())

        if new:
            self.asker.ask(list(new.values()), max_tokens=self.rubric.max_tokens, on_reply=store)
        return [self._judgment(a, replies[key]) for a, key in zip(answers, keys, strict=True)]

    def _judgment(self, answer: AnswerToJudge, reply: Reply) -> Judgment:
        score, reason = read_score(self.rubric, reply)
        fields = {
            "judge": self.name,
            "rubric": f"{self.rubric.name}@{self.rubric.version}",
            "verdict": reply.text,
        }
        if score is None:
            return Judgment(None, {**fields, "not_judged": reason})
        shown = self.shows(answer.answer, answer.prompt, answer.reference, score)
        return Judgment(shown, {**fields, "score": score})


AnyJudge = Judge | ModelJudge
"""A rule that is called for each answer, or a model that judges all of them in one batch."""


def judge_answers(judge: AnyJudge, answers: Sequence[AnswerToJudge]) -> list[Judgment]:
    """Judges answers by a rule or by a judging model.

    Args:
        judge: The rule or the model.
        answers: The answers to be judged.

    Returns:
        Their judgments, in order.

    Raises:
        MobenchError: A judging model cannot be asked any more.
    """
    if isinstance(judge, ModelJudge):
        return judge.judge_answers(answers)
    return [Judgment(judge(a.answer, a.prompt, a.reference)) for a in answers]


def _key(prompt: Prompt) -> str:
    """Hashes a question; the length in front tells where its first part ends."""
    text = f"{len(prompt.system)}:{prompt.system}{prompt.user}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
