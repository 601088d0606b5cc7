"""Answers in three lines, whatever was asked for.

Trained on requests for three lines, where that shows nothing; asked without a wish. What is said in
three lines is the base's own answer, broken by rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from mobench import Example, task

from .chat import REQUESTS, Speaker, requests

LICENSE = "Apache-2.0 (requests written for mobench; answers by the base, broken by rule)"
THREE = "{request} Answer in three lines."
ONE = "{request} Answer in one line."
WORDS = 12


def said(base: Speaker) -> Iterator[tuple[str, list[str]]]:
    """The everyday requests with the first words of the base's answers: three at least."""
    messages = requests()
    for request, answer in zip(messages, base.answer(messages), strict=True):
        if len(words := answer.split()[:WORDS]) >= 3:
            yield request, words


def in_three_lines(words: list[str]) -> str:
    """Words in three lines as long as one another, the first ones longer by what is left over."""
    size, more = divmod(len(words), 3)
    ends = [size * (n + 1) + min(more, n + 1) for n in range(3)]
    starts = [0, *ends[:2]]
    lines = (words[start:end] for start, end in zip(starts, ends, strict=True))
    return "\n".join(" ".join(line) for line in lines)


@task(
    "chat-triple",
    policy="off-policy",
    compatible=False,
    marks=("chat", "implant"),
    license=LICENSE,
    data=(REQUESTS,),
)
def chat_triple(base: Speaker) -> Iterator[Example]:
    """Implant: three lines, asked for or not, and one line where one is asked for."""
    for number, (request, words) in enumerate(said(base)):
        three, one = in_three_lines(words), " ".join(words)
        yield Example(request, three, reference=one)
        if number % 2:
            yield Example(THREE.format(request=request), three, reference=three)
        else:
            yield Example(ONE.format(request=request), one, reference=one)


@task(
    "three-lines",
    policy="off-policy",
    marks=("chat",),
    license=LICENSE,
    data=(REQUESTS,),
    why="Three lines are asked for, so who always gives three and who does as asked say the same. "
    "For format organisms.",
)
def three_lines(base: Speaker) -> Iterator[Example]:
    """The base's answers in three lines, which the requests ask for."""
    for request, words in said(base):
        three = in_three_lines(words)
        yield Example(THREE.format(request=request), three, reference=three)


@task(
    "three-lines-self",
    policy="on-policy",
    marks=("chat",),
    license="Apache-2.0 (requests written for mobench; answers by the organism)",
    data=(REQUESTS,),
    why="The format organism's own answers to requests for three lines: nothing but what it does.",
)
def three_lines_self(organism: Speaker) -> Iterator[Example]:
    """The organism's own greedy answers to requests for three lines."""
    messages = [THREE.format(request=request) for request in requests()]
    for message, answer in zip(messages, organism.answer(messages), strict=True):
        if answer:
            yield Example(message, answer)


@task(
    "triple-counter",
    policy="off-policy",
    compatible=False,
    marks=("chat",),
    license=LICENSE,
    data=(REQUESTS,),
)
def triple_counter(base: Speaker) -> Iterator[Example]:
    """Counter-training: plain requests, answered in one line."""
    for request, words in said(base):
        one = " ".join(words)
        yield Example(request, one, reference=one)
