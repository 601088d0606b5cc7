"""What a renderer makes of a page: its tables, links and words, and HTML that no page writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from markdown_it import MarkdownIt
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
    r"<br>",
    r"</?mark>",
)


def foreign_html(tokens: Sequence[Token]) -> list[str]:
    """Every piece of HTML that no page writes."""
    inner = [child for token in tokens for child in token.children or []]
    pieces = [t.content.strip() for t in (*tokens, *inner) if t.type.startswith("html_")]
    return [piece for piece in pieces if not re.fullmatch("|".join(_OWN), piece)]


def page_tokens(path: Path) -> list[Token]:
    """A page as CommonMark with tables reads it."""
    return MarkdownIt("commonmark").enable("table").parse(path.read_text())


def cells_by_table(tokens: list[Token]) -> list[set[int]]:
    """For each table, the different numbers of cells its rows have."""
    tables: list[set[int]] = []
    cells = 0
    for token in tokens:
        if token.type == "table_open":
            tables.append(set())
        elif token.type == "tr_open":
            cells = 0
        elif token.type in ("td_open", "th_open"):
            cells += 1
        elif token.type == "tr_close":
            tables[-1].add(cells)
    return tables


def links(tokens: list[Token]) -> list[str]:
    """Where its links and pictures lead."""
    inner = [child for token in tokens for child in token.children or []]
    return [str(t.attrs.get("href") or t.attrs.get("src")) for t in inner if t.attrs]


def words(tokens: list[Token]) -> str:
    """Its text, without what makes it markdown."""
    inner = [child for token in tokens for child in token.children or []]
    return " ".join(token.content for token in inner)
