"""What a verdict costs, with three seeds at every rung and with the sequential plan.

    python -m benchmarks.verdict_cost

Nothing is trained: every figure comes from results of the leaderboard, recomputed by the same
rules. Only pairs of an organism and a task count that have a run of each kind. Seconds are of
machines that often did other work too; cells and steps are not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from tabulate import tabulate

from benchmarks.markers import insert
from mobench.machine.cache_root import cache_root
from mobench.publish.pages.board import draw_all
from mobench.publish.pages.entry import Entry
from mobench.records.cells import arm_of
from mobench.records.names import LADDER

REPOSITORY = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "verdict-cost.json"
PERFORMANCE = REPOSITORY / "docs" / "performance.md"
SEEDS_FOR_A_VERDICT = 6


@dataclass(frozen=True)
class Spent:
    """What one run took, and whether it decided.

    Attributes:
        decided: Whether there is a verdict, and not a provisional one.
        provisional: Whether there is one on fewer than six seeds.
        cells: Cells of its ladder.
        steps: Optimizer steps of these.
        controls: Its other cells.
        seconds: What the run took to train and measure, controls among it.
        at_six: Cells of a ladder with six seeds at every rung of it.
    """

    decided: bool
    provisional: bool
    cells: int
    steps: int
    controls: int
    seconds: float
    at_six: int


def spent(entry: Entry) -> Spent:
    """Reads off a result what it took."""
    cells = [cell for cell in entry.submission.cells if arm_of(cell) == LADDER]
    verdict, seconds = entry.score.verdict, entry.manifest.seconds or {}
    worded = verdict.word != "undetermined"
    return Spent(
        decided=worded and not verdict.provisional,
        provisional=worded and verdict.provisional,
        cells=len(cells),
        steps=sum(cell["steps"] for cell in cells),
        controls=len(entry.submission.cells) - len(cells),
        seconds=sum(seconds.get(part, 0.0) for part in ("train", "measure")),
        at_six=SEEDS_FOR_A_VERDICT * len({cell["lr"] for cell in cells}),
    )


def figures(entries: Iterable[Entry]) -> dict[str, Any]:
    """Sums of both kinds of runs over the pairs that have each.

    Args:
        entries: All of a board.
    """
    kinds: Mapping[bool, dict[tuple[str, str], Spent]] = {False: {}, True: {}}
    for entry in entries:
        one = entry.submission
        kinds[entry.manifest.plan is not None][(one.organism, one.task)] = spent(entry)
    both = sorted(kinds[False].keys() & kinds[True].keys())
    found: dict[str, Any] = {"pairs": len(both)}
    for planned, name in ((False, "three seeds"), (True, "the plan")):
        runs = [kinds[planned][pair] for pair in both]
        found[name] = {
            "decided": sum(run.decided for run in runs),
            "provisional": sum(run.provisional for run in runs),
            "cells": sum(run.cells for run in runs),
            "steps": sum(run.steps for run in runs),
            "controls": sum(run.controls for run in runs),
            "seconds": round(sum(run.seconds for run in runs)),
        }
    plans = kinds[True].values()
    found["all with a plan"] = {
        "runs": len(plans),
        "decided": sum(run.decided for run in plans),
        "cells": sum(run.cells for run in plans),
        "cells with six seeds at every rung": sum(run.at_six for run in plans),
        "seconds": round(sum(run.seconds for run in plans)),
    }
    return found


def table(found: Mapping[str, Any]) -> str:
    """The figures as people read them."""
    rows = []
    for name in ("three seeds", "the plan"):
        part = found[name]
        verdicts = part["decided"]
        each = [
            f"{part[key] / verdicts:,.0f}" if verdicts else "none decided"
            for key in ("cells", "steps", "seconds")
        ]
        counts = [f"{verdicts} of {found['pairs']}", part["provisional"], part["cells"]]
        rows.append([name, *counts, *each])
    headers = [
        *("seeds by", "decided", "provisionally", "cells of the ladders"),
        *("cells a verdict", "steps a verdict", "seconds a verdict"),
    ]
    whole = found["all with a plan"]
    six = whole["cells with six seeds at every rung"]
    text = (
        f"All {whole['runs']} runs with a plan: {whole['decided']} decided, "
        f"{whole['cells']} cells of the ladder; six seeds at every rung are {six}."
    )
    printed = tabulate(rows, headers, tablefmt="github", disable_numparse=True)
    return f"{printed}\n\n{text}"


@click.command()
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=REPOSITORY / "leaderboard",
)
@click.option("--keep", is_flag=True, help="Write the figures and the table of the docs.")
def main(root: Path, *, keep: bool) -> None:
    """Reads the board and prints what a verdict costs."""
    drawn = draw_all(root, cache_root() / "board").drawn
    found = figures(one.entry for one in drawn)
    click.echo(table(found))
    if keep:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        text = PERFORMANCE.read_text(encoding="utf-8")
        PERFORMANCE.write_text(insert(table(found), text, "verdict-cost"), encoding="utf-8")


if __name__ == "__main__":
    main()
