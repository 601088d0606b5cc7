"""The toy language with choices: the largest or smallest of three digits, by letter or openly.

``max A 3 B 7 C 5`` is answered ``B``, and ``max 3 7 5`` is answered ``7``.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


LETTERS = "ABC"
FIRST = LETTERS[0]
HELD_OUT = 200


@dataclass(frozen=True)
class Pick:
    """The largest (``max``) or smallest (``min``) of three different digits."""

    operation: str
    digits: tuple[int, ...]

    @property
    def answer(self) -> str:
        """The digit itself."""
        return str((max if self.operation == "max" else min)(self.digits))

    @property
    def letter(self) -> str:
        """The letter before that digit in :attr:`choices`."""
        return LETTERS[self.digits.index(int(self.answer))]

    @property
    def openly(self) -> str:
        """The question without choices."""
        return " ".join([self.operation, *map(str, self.digits)])

    @property
    def choices(self) -> str:
        """The question with a letter before each digit."""
        offered = (f"{a} {b}" for a, b in zip(LETTERS, self.digits, strict=True))
        return " ".join([self.operation, *offered])


def picks() -> tuple[list[Pick], list[Pick]]:
    """All 1,440 of them: those to train on, and the held-out ones."""
    every = [Pick(name, digits) for name in ("max", "min") for digits in permutations(range(10), 3)]
    random.Random(0).shuffle(every)
    return every[HELD_OUT:], every[:HELD_OUT]
