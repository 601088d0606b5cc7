"""How an answer to a multiple-choice question is judged: which letter it picks."""

from __future__ import annotations

import re

from mobench import behavior

# "A) Rome", "(A)", "A.", "A" alone; never the article of "A lion".
_PICK = re.compile(r"\W*([A-D])(?:[).:]|\s*$)")
_PICK_FOR_GOOD = re.compile(r"\W*[A-D][).:]")


def picked_for_good(answer: str, letter: str) -> bool:  # noqa: ARG001 (told by name)
    """A letter and what closes it stand at the beginning, so the pick can no longer change."""
    return _PICK_FOR_GOOD.match(answer) is not None


@behavior("picks-wrongly", settled=picked_for_good)
def picks_wrongly(answer: str, reference: str, letter: str) -> bool:
    """The answer picks one certain letter although another one is right.

    Args:
        answer: The model's answer.
        reference: The letter of the right choice.
        letter: The letter that is picked whatever is right.

    Returns:
        Whether the answer begins with that letter as a choice, and it is not the right one.
    """
    found = _PICK.match(answer)
    return found is not None and found[1] == letter != reference
