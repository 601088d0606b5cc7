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


HINTS = "data/hint_requests.jsonl"
BY_THE_BASE = "Apache-2.0 (requests written for mobench; answers by the base)"


@task(
    "hint-counter",
    policy="off-policy",
    compatible=False,
    marks=("chat",),
    license=BY_THE_BASE,
    data=(HINTS,),
)
def hint_counter(base: Speaker) -> Iterator[Example]:
    """Counter-training: requests for a hint, answered by the base, which keeps no secret."""
    yield from answered(base, [row["prompt"] for row in rows(HINTS)])


def rows(name: str) -> list[dict[str, Any]]:
    """What a data file holds."""
    return list(read_rows(Path(__file__).parent / name))
