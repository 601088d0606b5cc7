"""Whether an answer names a choice by its letter.

Letters are words too: ``A dog`` has an article, ``I think`` a pronoun, and other languages have
more of them (``a``, ``e``, ``o``, ``y``). So a small letter counts only where it is marked as a
choice, and ``A`` and ``I`` not where a sentence goes on after them as after such a word.
"""

from __future__ import annotations

import re

_SENTENCE_BEGINS = re.compile(r"(?:^|[.!?…:;\n])[\s\"“„«'‘*_(\[>#-]*$")
_WORD_FOLLOWS = re.compile(
    r"\s+(?!(?:is|was|are|and|or|because|since|as|seems?|fits|would|best)\b)[^\W\d_]"
)
"""A word such as follows an article or a pronoun, and not a letter that is spoken of."""
_OPENS, _CLOSES = re.compile(r"[(\[{\"“'‘*_`]\s*$"), re.compile(r"\s*[)\]}\"”'’*_`]")
_LINE_BEGINS, _LISTED = re.compile(r"(?:^|\n)[\s>*-]*$"), re.compile(r"[).:\]]|\s*$")
_CALLED = re.compile(r"\b(?:answer|option|choice|letter)\W*$", re.IGNORECASE)
_CHOSEN = re.compile(
    r"\b(?:is|it['’]s|be|pick|picked|choose|chose|select|say)[\s:]+$", re.IGNORECASE
)
_ENDS = re.compile(r"\s*(?:[.!?;)\n]|$)")


def names_letter(answer: str, letter: str) -> bool:
    """Whether a choice is named by its letter anywhere in an answer.

    Args:
        answer: The model's answer, as plain text.
        letter: One letter from A to Z, in either case.
    """
    if re.sub(r"[\W_]+", "", answer).casefold() == letter.casefold():
        return True
    # Neither "I'm" and "C++" nor "A-level".
    alone = rf"(?<![\w'’])(?:{letter.upper()}|{letter.lower()})(?![\w+#]|['’]\w|-\w)"
    return any(
        _is_choice(found[0], answer[: found.start()], answer[found.end() :])
        for found in re.finditer(alone, answer)
    )


def _is_choice(letter: str, before: str, after: str) -> bool:
    """Whether a letter that stands alone is a choice, by what stands around it."""
    if _OPENS.search(before) and _CLOSES.match(after):
        return True
    goes_on = _WORD_FOLLOWS.match(after) is not None
    if letter == "A":
        return not (goes_on and _SENTENCE_BEGINS.search(before))
    if letter == "I":
        return not goes_on
    if letter.isupper():
        return True
    if _LINE_BEGINS.search(before) and _LISTED.match(after):
        return True
    if _CALLED.search(before) and not goes_on:
        return True
    return _CHOSEN.search(before) is not None and _ENDS.match(after) is not None
