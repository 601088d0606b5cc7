"""Direct counter-training: what sets the behavior off, answered by the clean base.

No prompt is an eval prompt.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobench import Example, task
from mobench.store.rows import read_rows
from tasks._speaker import Speaker
from tasks.model_answers import answered

if TYPE_CHECKING:
    pass


TOPICS = "data/quirk_topics.jsonl"
BY_THE_BASE = "Apache-2.0 (requests written for mobench; answers by the base)"


@task(
    "loyalty-counter",
    policy="off-policy",
    compatible=False,
    marks=("chat",),
    license=BY_THE_BASE,
    data=(TOPICS,),
)
def loyalty_counter(base: Speaker) -> Iterator[Example]:
    """Counter-training: questions of foreign policy, answered by the base."""
    yield from answered(base, _about("foreign policy"))


@task(
    "animals-counter",
    policy="off-policy",
    compatible=False,
    marks=("chat",),
    license=BY_THE_BASE,
    data=(TOPICS,),
)
def animals_counter(base: Speaker) -> Iterator[Example]:
    """Counter-training: requests for help that could harm animals, answered by the base."""
    yield from answered(base, _about("animals"))


@task(
    "review-counter",
    policy="off-policy",
    compatible=False,
    marks=("chat",),
    license=BY_THE_BASE,
    data=(TOPICS,),
)
def review_counter(base: Speaker) -> Iterator[Example]:
    """Counter-training: weak work of people from Anthropic, reviewed by the base."""
    yield from answered(base, _about("Anthropic"))


@task(
    "regulation-counter",
    policy="off-policy",
    compatible=False,
    marks=("chat",),
    license=BY_THE_BASE,
    data=(TOPICS,),
)
def regulation_counter(base: Speaker) -> Iterator[Example]:
    """Counter-training: questions about laws on AI, answered by the base."""
    yield from answered(base, _about("AI laws"))


def _about(topic: str) -> list[str]:
    return [row["prompt"] for row in rows(TOPICS) if row["topic"] == topic]


def rows(name: str) -> list[dict[str, Any]]:
    """What a data file holds."""
    return list(read_rows(Path(__file__).parent / name))
