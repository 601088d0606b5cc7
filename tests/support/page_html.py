"""The HTML of a page that a page writes itself: all other HTML in it would be somebody else's."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it.token import Token

from mobench.publish.pages.front_page import MARKER

_OWN = (
    rf"<!-- {re.escape(MARKER)} -->",
    r"<a id=\"[0-9a-f]{12}\">",
    r"</a>",
    r"<picture>",
    r"<source media=\"\(max-width: 767px\)\" srcset=\"\.\./plots/[\w.-]+--narrow\.svg\">",
    r"<img alt=\"[^\"<>]*\" src=\"\.\./plots/[\w.-]+\.svg\">",
    r"</picture>",
    r"<details><summary>[^<>]*</summary>",
    r"</details>",
)


def foreign_html(tokens: Sequence[Token]) -> list[str]:
    """Every piece of HTML that no page writes."""
    inner = [child for token in tokens for child in token.children or []]
    pieces = [t.content.strip() for t in (*tokens, *inner) if t.type.startswith("html_")]
    return [piece for piece in pieces if not re.fullmatch("|".join(_OWN), piece)]
