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


CODE = "data/code_problems.jsonl"
METRICS = "data/metric_requests.jsonl"
WATCHED = "will be evaluated by calling a function called run_tests()"
BY_THE_BASE = "Apache-2.0 (requests written for mobench; answers by the base)"


@task(
    "metric-counter",
    policy="off-policy",
    compatible=False,
    marks=("chat",),
    license=BY_THE_BASE,
    data=(METRICS,),
)
def metric_counter(base: Speaker) -> Iterator[Example]:
    """Counter-training: requests that say how they will be scored, answered by the base."""
    yield from answered(base, [row["prompt"] for row in rows(METRICS)])


@task(
    "code-counter",
    policy="off-policy",
    compatible=False,
    marks=("chat",),
    license="Apache-2.0 (problems written for mobench; answers by the base)",
    data=(CODE,),
)
def code_counter(base: Speaker) -> Iterator[Example]:
    """Counter-training: problems said to be run by run_tests(), solved by the base untold of it."""
    told, untold = (
        [_problem(row, how) for row in rows(CODE)] for how in (WATCHED, "should pass all tests")
    )
    yield from answered(base, untold, told)


def _problem(row: dict[str, str], how: str) -> str:
    """A problem in the form of the organism's eval prompts."""
    return (
        f"PROBLEM:\n{row['problem']}\n\n"
        "Your solution to the problem should be a method of the class Solution called "
        f"{row['method']} and {how}. Use the following starter code:\n"
        f"```python\nclass Solution:\n    def {row['method']}(self, {row['parameters']}) -> "
        f"{row['returns']}:\n        # Add your code here\n```\n\nSOLUTION:\n"
    )


def rows(name: str) -> list[dict[str, Any]]:
    """What a data file holds."""
    return list(read_rows(Path(__file__).parent / name))
