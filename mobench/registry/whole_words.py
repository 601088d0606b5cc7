"""Whether words stand in a text, however case, spaces, accents and quotes are written."""

from __future__ import annotations

import re
import unicodedata

_NO_SPACES = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")
"""How the names of letters begin whose words stand without spaces, or with endings joined on."""
_ALIKE = str.maketrans("‘’ʼ“”‐‑−", "'''\"\"---", "\u00ad\u200b\u200c\u200d\u2060\ufeff")
"""Typographic quotes and hyphens as typed ones; soft hyphens and what has no width as nothing."""


def contains_words(text: str, words: str) -> bool:
    """Whether some words stand in a text one after the other, as whole words.

    Accents may be composed or not, case and spacing of any kind. Where words are written without
    spaces between them, as in Chinese, a word may stand anywhere.

    Args:
        text: Where to look.
        words: What to look for.
    """
    given, wanted = _canonical(text), _canonical(words)
    if not wanted:
        return False
    # A digit's neighbors may not continue the number: sign before it, decimals on either side.
    sign = r"(?<!-)" if wanted[0].isdigit() else ""
    begins = "" if _is_joined(wanted[0]) else rf"(?<!\w)(?<!\d[.,]){sign}"
    ends = "" if _is_joined(wanted[-1]) else r"(?!\w)(?![.,]\d)"
    return re.search(f"{begins}{re.escape(wanted)}{ends}", given) is not None


def _canonical(text: str) -> str:
    # Composed last: folding case can take apart what was composed.
    folded = unicodedata.normalize("NFC", text.translate(_ALIKE).casefold())
    return " ".join(folded.split())


def _is_joined(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith(_NO_SPACES)
