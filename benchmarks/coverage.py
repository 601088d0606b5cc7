"""Do the intervals hold? Simulations with a known truth, and the tables of docs/method.md.

    python -m benchmarks.coverage                      # all of it: about an hour on two cores
    python -m benchmarks.coverage --replicates 200     # a look, in minutes; writes nothing
    python -m benchmarks.coverage --only headline

With the full number of replicates (2,000) the figures go to benchmarks/results/coverage.json and
the tables between the markers in docs/method.md.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import click

from benchmarks.coverage_ladders import (
    headline_cases,
    looks_cases,
    unknown_cases,
    verdict_cases,
)
from benchmarks.coverage_ranks import rank_cases
from benchmarks.coverage_scenarios import Scenario, moving_cases, plateau_cases, split_cases
from benchmarks.coverage_tables import tables
from benchmarks.markers import insert

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "coverage.json"
METHOD = HERE.parent / "docs" / "method.md"
MARKED = "coverage"
FULL = 2000

SECTIONS: dict[str, Callable[[], list[Scenario]]] = {
    "plateau": plateau_cases,
    "split": split_cases,
    "moving": moving_cases,
    "headline": headline_cases,
    "unknown": unknown_cases,
    "ranks": rank_cases,
    "looks": looks_cases,
    "verdict": verdict_cases,
}


def run_scenario(job: tuple[Scenario, int]) -> dict[str, Any]:
    """Runs one scenario; a function of the module, so that a process can be given it."""
    scenario, replicates = job
    return {**scenario.facts(), **scenario.run(replicates)}


def simulate(
    scenarios: Sequence[Scenario], replicates: int, on_done: Callable[[int], None]
) -> list[dict[str, Any]]:
    """All scenarios, on all cores; the order of the results is that of the scenarios."""
    found = []
    with ProcessPoolExecutor() as pool:
        for row in pool.map(run_scenario, [(s, replicates) for s in scenarios], chunksize=4):
            found.append(row)
            on_done(len(found))
    return found


def written(kept: Mapping[str, Any]) -> str:
    """The figures as JSON, one scenario a line."""
    parts = []
    for name, section in kept.items():
        rows = ",\n".join(json.dumps(_rounded(row)) for row in section["rows"])
        head = json.dumps({key: section[key] for key in ("replicates", "seconds")})
        parts.append(f'{json.dumps(name)}: {head[:-1]}, "rows": [\n{rows}\n]}}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return float(f"{value:.5g}") if isinstance(value, float) else value


@click.command()
@click.option("--replicates", default=FULL, show_default=True)
@click.option("--only", type=click.Choice(list(SECTIONS)), multiple=True)
@click.option("--render", is_flag=True, help="Only write the tables again, from the kept figures.")
def main(replicates: int, only: tuple[str, ...], render: bool) -> None:
    """Simulates every scenario and prints the tables."""
    kept = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    if not render:
        for name in only or SECTIONS:
            scenarios = SECTIONS[name]()
            started = time.monotonic()

            def show(done: int, name: str = name, total: int = len(scenarios)) -> None:
                if sys.stderr.isatty():
                    click.echo(f"\r{name}: {done}/{total}", nl=done == total, err=True)

            rows = simulate(scenarios, replicates, show)
            seconds = round(time.monotonic() - started)
            kept[name] = {"replicates": replicates, "seconds": seconds, "rows": rows}
            if replicates >= FULL:
                RESULTS.parent.mkdir(exist_ok=True)
                RESULTS.write_text(written(kept))
    text = tables(kept)
    click.echo(text)
    if render or replicates >= FULL:
        METHOD.write_text(insert(text, METHOD.read_text(), MARKED))


if __name__ == "__main__":
    main()
