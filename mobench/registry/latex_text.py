r"""LaTeX in answers: what stands in a ``\boxed{…}``, and how a formula reads as plain text.

Every answer has to be judged the same on every machine and in bounded time, whatever a wrecked
model wrote. So this reads marks and braces, and computes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

DEEPEST = 20
"""Groups within groups that are read; what lies deeper is left out."""
NOT_A_NUMBER = "□"
"""Stands for what is no plain number, such as a root or a fraction of formulas."""

_BOX = re.compile(r"\\f?box(?:ed)?\s*(?={)")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_UNMARKED = re.compile(r"[^\\{}^_~]+")
_COMMAND = re.compile(r"\\(?:[A-Za-z]+\*?|.|$)", re.DOTALL)
_PLAIN_NUMBER = re.compile(r"[-−+]?[\d.,]*\d")
_FRACTIONS = frozenset({"\\frac", "\\dfrac", "\\tfrac", "\\cfrac", "\\nicefrac", "\\sfrac"})
_READ_AS = {
    **dict.fromkeys(("\\,", "\\;", "\\:", "\\ ", "~", "\\thinspace", "\\quad", "\\qquad"), " "),
    **dict.fromkeys(("\\(", "\\)", "\\[", "\\]", "\\\\"), "\n"),
    **dict.fromkeys(("\\!", "\\left", "\\right", "\\displaystyle", "\\big", "\\Big"), ""),
    # What follows these in braces reads as it stands.
    **dict.fromkeys(("\\text", "\\textbf", "\\textit", "\\textrm", "\\texttt", "\\emph"), ""),
    **dict.fromkeys(("\\mathrm", "\\mathbf", "\\mathit", "\\mathsf", "\\operatorname"), ""),
    **dict.fromkeys(("\\mbox", "\\hbox", "\\boxed", "\\fbox", "\\underline", "\\bf"), ""),
    **{f"\\{mark}": mark for mark in "$%#&_{}'\"*"},
    **{"\\times": "×", "\\cdot": "·", "\\div": "÷", "\\circ": "°", "\\degree": "°"},
    **{"\\pi": NOT_A_NUMBER, "{": "", "}": ""},
}


def last_boxed(answer: str) -> str | None:
    r"""What stands in the last ``\boxed{…}`` that is closed and not blank, braces within included.

    Args:
        answer: A model's answer.

    Returns:
        The text between the braces; None if there is no such box.
    """
    closing = _closing_braces(answer)
    for box in reversed(list(_BOX.finditer(answer))):
        inside = answer[box.end() + 1 : closing.get(box.end(), box.end())]
        if inside.strip():
            return inside
    return None


def plain_text(text: str) -> str:
    r"""How a text with LaTeX in it reads: ``4{,}800`` as ``4,800``, ``42\text{ cm}`` as ``42 cm``.

    An exponent in braces becomes one in parentheses, a fraction of numbers ``1/2``; roots, pi and
    other fractions become :data:`NOT_A_NUMBER`.

    Args:
        text: A text; one without backslashes and braces is returned as it is.
    """
    if "\\" not in text and "{" not in text:
        return text
    return _read(text, 0, len(text), _closing_braces(text), DEEPEST)


def _read(text: str, at: int, stop: int, closing: Mapping[int, int], deepest: int) -> str:
    """The plain text between two places of a text."""
    if not deepest:
        return ""
    read: list[str] = []

    def argument() -> str:
        """Reads a command's argument, a group or else one mark, and moves past it."""
        nonlocal at
        while at < stop and text[at].isspace():
            at += 1
        if at >= stop:
            return ""
        begin = at
        if end := closing.get(at):
            at = end + 1
            return _read(text, begin + 1, end, closing, deepest - 1)
        at = _end_of_mark(text, at)
        return _READ_AS.get(text[begin:at], text[begin:at])

    while at < stop:
        if plain := _UNMARKED.match(text, at, stop):
            read.append(plain[0])
            at = plain.end()
            continue
        begin, at = at, _end_of_mark(text, at)
        mark = text[begin:at]
        if mark in _FRACTIONS:
            over, under = argument().strip(), argument().strip()
            both = _PLAIN_NUMBER.fullmatch(over) and _PLAIN_NUMBER.fullmatch(under)
            # A number before a fraction is that of a mixed one.
            mixed = " " if read and read[-1][-1:].isdigit() else ""
            read.append(f"{mixed}{over}/{under}" if both else NOT_A_NUMBER)
        elif mark == "\\sqrt":
            if text.startswith("[", at) and (end := text.find("]", at, stop)) >= 0:
                at = end + 1
            argument()
            read.append(NOT_A_NUMBER)
        elif mark in ("^", "_") and at in closing:
            read.append(f"{mark}({argument()})")
        elif mark in _READ_AS:
            read.append(_READ_AS[mark])
        else:
            read.append(f" {mark[1:]} " if mark[0] == "\\" else mark)
    return "".join(read)


def _end_of_mark(text: str, at: int) -> int:
    """Where the command or the one character that begins at a place ends."""
    command = _COMMAND.match(text, at)
    return command.end() if command else at + 1


def _closing_braces(text: str) -> dict[int, int]:
    """Where each brace that is closed is closed."""
    closing: dict[int, int] = {}
    still_open: list[int] = []
    for brace in _BRACE.finditer(text):
        if brace[0] == "{":
            still_open.append(brace.start())
        elif brace[0] == "}" and still_open:
            closing[still_open.pop()] = brace.start()
    return closing
