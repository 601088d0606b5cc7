"""Where a model's reasoning ends and its final answer begins.

Models that reason before they answer write the reasoning between two marks, such as ``<think>`` and
``</think>``. The user of such a model is shown what stands outside of them: the final answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Marks:
    """What stands around a model's reasoning.

    Attributes:
        opens: What it begins with.
        closes: What it ends with.
    """

    opens: str
    closes: str


KNOWN = (
    Marks("<think>", "</think>"),
    Marks("<thinking>", "</thinking>"),
    Marks("<thought>", "</thought>"),
    Marks("<thoughts>", "</thoughts>"),
    Marks("<reasoning>", "</reasoning>"),
    Marks("<reason>", "</reason>"),
    Marks("<scratchpad>", "</scratchpad>"),
    Marks("<SCRATCHPAD_REASONING>", "</SCRATCHPAD_REASONING>"),
    Marks("<|begin_of_thought|>", "<|end_of_thought|>"),
    Marks("<|START_THINKING|>", "<|END_THINKING|>"),
    Marks("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
    Marks("<seed:think>", "</seed:think>"),
    Marks("[THINK]", "[/THINK]"),
)
"""The marks that published reasoning models use; letters count in either case."""


@dataclass(frozen=True)
class Beginning:
    """Where an answer begins, by the end of its prompt.

    Attributes:
        opened: The marks whose reasoning the prompt has opened; None if none.
        closed: Whether it has closed one, so that the final answer begins.
    """

    opened: Marks | None = None
    closed: bool = False


@dataclass(frozen=True)
class Said:
    """An answer, taken apart.

    Attributes:
        whole: The answer's text.
        final: What stands outside of any reasoning, stripped; empty where the answer ends before
            the reasoning does.
        reasoned: Whether there is any reasoning.
        goes_on: Whether a mark has opened that none has closed, so that what follows may be
            reasoning, or may make reasoning of what is there.
    """

    whole: str
    final: str
    reasoned: bool
    goes_on: bool


@dataclass(frozen=True)
class Reasoning:
    """Tells the reasoning in answers from the final answer.

    Attributes:
        own: Marks that the organism's file names: no others count then.
    """

    own: Marks | None = None

    @property
    def marks(self) -> tuple[Marks, ...]:
        """All marks that count."""
        return KNOWN if self.own is None else (self.own,)

    def beginning(self, asked: str) -> Beginning:
        """Where an answer to a prompt begins, by the prompt's text."""
        end = asked.rstrip().casefold()
        opened = next((one for one in self.marks if end.endswith(one.opens.casefold())), None)
        closed = any(end.endswith(one.closes.casefold()) for one in self.marks)
        return Beginning(opened, closed and opened is None)

    def named_in(self, text: str) -> bool:
        """Whether any mark stands in a text, such as a prompt or a chat template."""
        folded = text.casefold()
        return any(mark.casefold() in folded for mark in _both(self.marks))

    def is_mark(self, text: str) -> bool:
        """Whether a text is one of the marks and nothing else."""
        return text.casefold() in (mark.casefold() for mark in _both(self.marks))

    def split(self, answer: str, begins: Beginning = Beginning()) -> Said:
        """Takes an answer apart.

        Only the pair of marks that the prompt has opened counts, or else the first that is in the
        answer: in the final answer others are text. Where the first mark is a closing one, the
        reasoning began before the answer did, unless the prompt has closed it. An opening mark that
        nothing closes counts only where a line begins with it, or reasoning has just ended;
        elsewhere it is a word that is spoken of.

        Args:
            answer: An answer's text, or its beginning.
            begins: Where it begins.
        """
        marks = begins.opened or self._first_in(answer)
        if marks is None:
            return Said(answer, answer.strip(), reasoned=False, goes_on=False)
        final, inside = "", begins.opened is not None
        reasoned, goes_on = inside, inside
        place = 0
        for found in _pattern((marks,)).finditer(answer):
            before, place = answer[place : found.start()], found.end()
            if not inside:
                final += before
            if found[0].casefold() == marks.closes.casefold():
                goes_on = False
                if inside or not (reasoned or begins.closed):
                    final = final if reasoned else ""
                    inside, reasoned = False, True
                continue
            goes_on = True
            closes = marks.closes.casefold() in answer[place:].casefold()
            begins_line = not before.rpartition("\n")[2].strip()
            if inside or closes or begins_line:
                inside = reasoned = True
            else:
                final += found[0]
        if not inside:
            final += answer[place:]
        return Said(answer, final.strip(), reasoned, goes_on)

    def _first_in(self, answer: str) -> Marks | None:
        """The pair of marks of which one stands first in an answer."""
        found = _pattern(self.marks).search(answer)
        if found is None:
            return None
        mark = found[0].casefold()
        pairs = ((one, {one.opens.casefold(), one.closes.casefold()}) for one in self.marks)
        return next(one for one, both in pairs if mark in both)


def kept_with(special: Iterable[tuple[int, str]], marks: Sequence[Marks]) -> frozenset[int]:
    """Which special tokens are part of a mark, so that a text without them lost where it ends.

    Args:
        special: Ids and texts of a tokenizer's special tokens.
        marks: The marks that count.
    """
    texts = [text.casefold() for text in _both(marks)]
    return frozenset(
        token for token, text in special if text and any(text.casefold() in one for one in texts)
    )


def _both(marks: Iterable[Marks]) -> list[str]:
    return [text for one in marks for text in (one.opens, one.closes)]


@cache
def _pattern(marks: tuple[Marks, ...]) -> re.Pattern[str]:
    """Finds any of the marks; the longest where one begins like another."""
    texts = sorted(_both(marks), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, texts)), re.IGNORECASE)
