"""Direct counter-training: what sets the behavior off, answered by the clean base.

No prompt is an eval prompt.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mobench import Example, task
from mobench.store.rows import read_rows
from tasks._speaker import Speaker
from tasks.model_answers import answered

MILITARY = "data/military_requests.jsonl"


@task(
    "military-counter",
    policy="off-policy",
    compatible=False,
    marks=("chat",),
    license="Apache-2.0 (requests written for mobench; answers by the base)",
    data=(MILITARY,),
)
def military_counter(base: Speaker) -> Iterator[Example]:
    """Counter-training: questions about war and the military, answered by the base."""
    yield from answered(base, [row["prompt"] for row in rows(MILITARY)])


def rows(name: str) -> list[dict[str, Any]]:
    """What a data file holds."""
    return list(read_rows(Path(__file__).parent / name))
