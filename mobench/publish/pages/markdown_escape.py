"""Text that somebody else wrote, made safe to put into a markdown page.

A submitted manifest is data: a pipe must not split a table, a tag must not become HTML,
and a bracket must not become a link to somewhere else.
"""

from __future__ import annotations

import re

_URL = re.compile(r"https?://[A-Za-z0-9./_~%#?=&+:,;@-]+[A-Za-z0-9/_~#=-]")
# Entities for what a renderer acts on before or outside markdown (HTML, math);
# backslashes for the rest, which is easier to read in the source.
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}
_SPECIAL = re.compile(r"[\\`*_\[\]|~#!&<>$]")
_SPACES = re.compile(r"\s+")
_BLOCK_START = re.compile(r"^([-+](?=\s|$)|[-=]+$|\d{1,9}(?=[.)](?:\s|$)))")


def one_line(text: str) -> str:
    """Joins lines and drops what cannot be seen: controls, direction marks, zero-width."""
    return seen(text).strip()


def seen(text: str) -> str:
    """The same for a part of a line: a space at either end stays."""
    return _SPACES.sub(" ", "".join(c if c.isprintable() else " " for c in text))


def inline(text: object) -> str:
    """Escapes text for a paragraph or a table cell; web addresses become links to themselves."""
    line = one_line(str(text))
    parts: list[str] = []
    end = 0
    for match in _URL.finditer(line):
        parts += [_escape(line[end : match.start()]), f"<{match.group()}>"]
        end = match.end()
    parts.append(_escape(line[end:]))
    return _start("".join(parts))


def text(value: object) -> str:
    """Escapes text that a model wrote: as :func:`inline`, but no address becomes a link."""
    return _start(_escape(one_line(str(value)))).replace("://", ":&#47;&#47;")


def code_block(text: str) -> str:
    """Fences text with more backticks than it contains itself."""
    shown = "".join(c if c.isprintable() or c == "\n" else " " for c in text).strip("\n")
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{shown}\n{fence}"


def _escape(text: str) -> str:
    return _SPECIAL.sub(lambda m: _ENTITIES.get(m.group(), f"\\{m.group()}"), text)


def _start(text: str) -> str:
    """Keeps a first character from opening a list, a heading underline or a table row."""
    match = _BLOCK_START.match(text)
    if not match:
        return text
    if match.group().isdigit():
        return f"{match.group()}\\{text[match.end() :]}"
    return f"\\{text}"
