"""What ends a turn, found in what a chat template puts after an answer.

Mostly that is a token. Where a template's marks are no tokens of the tokenizer, a turn ends with
words, which a model says as it says any others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TurnEnd:
    """How a turn ends.

    Attributes:
        text: What training puts after an answer; its last token is an end token.
        words: The words that end a turn, where no token does; empty where one does.
        after: All that the template puts after an answer.
    """

    text: str
    words: str
    after: str

    def before(self, answer: str) -> str | None:
        """What stands before the words that end a turn; None where an answer has none.

        Args:
            answer: The text of an answer, with whatever the model said after its end.
        """
        if not self.words:
            return None
        before, found, _ = answer.partition(self.after)
        if found:
            return before
        # An end token may have come at once, without the line break that the template puts there.
        stripped = answer.rstrip()
        return stripped.removesuffix(self.words) if stripped.endswith(self.words) else None


def turn_end(tokenizer: Any, after: str, known: Iterable[int | None]) -> TurnEnd:
    """Finds what ends a turn.

    Args:
        tokenizer: The tokenizer.
        after: What its template puts after an answer.
        known: The ids of end tokens by the tokenizer and the generation config.
    """
    added = tokenizer.added_tokens_decoder
    # Trainers add the tokens of turns to a tokenizer without naming them as special ones.
    special = {*tokenizer.all_special_ids, *(token for token in added if added[token].special)}
    for tokens in (known, sorted(special), sorted(added)):
        texts = [tokenizer.convert_ids_to_tokens(one) for one in tokens if one is not None]
        found = [(after.find(one), -len(one)) for one in texts if one.strip() and one in after]
        if found:
            place, length = min(found)
            return TurnEnd(after[: place - length], "", after)
    words = after.strip()
    return TurnEnd(f"{words}{tokenizer.eos_token}", words, after)
