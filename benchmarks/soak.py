"""Is nothing lost, and nothing silent? A benchmark that is killed over and over, files damaged.

python -m benchmarks.soak --kills 100 --json

A small organism is built, trained at two rungs with controls, measured, scored and published.
Kills come at random moments by random signals, and every command is given again until it ends:
then every file has to be what it is in a run that was never stopped, but for clocks. After that
every file of a finished run and of the cache is damaged, one at a time, and the report or the next
run has to name it or to come to what it came to before.
"""

from __future__ import annotations

import json
import random
import shutil
import time
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from benchmarks.soak_compare import contents, differences
from benchmarks.soak_damage import WAYS, Damages, damage_files, damaged, report
from benchmarks.soak_kills import RUN, Kills, kill_benchmark
from benchmarks.soak_process import command, warm_up
from benchmarks.soak_tree import soak_tree


def undisturbed(tree: Path, cache: Path) -> Path:
    """Runs the benchmark without stopping it; returns its run, moved out of the project's way."""
    ended = command(*RUN, tree=tree, cache=cache)
    if ended.code:
        raise RuntimeError(ended.said)
    (run,) = (tree / "runs").iterdir()
    kept = tree / "expected" / "runs" / run.name
    kept.parent.mkdir(parents=True)
    shutil.move(run, kept)
    return kept


def soak_kills(tree: Path, built: Path, expected: dict[str, Any], *, kills: int, seed: int,
               each: int) -> Kills:  # fmt: skip
    """Brings benchmarks to their end until so many commands were killed.

    Args:
        tree: The project.
        built: A cache with the organism built; every second benchmark begins with it.
        expected: Contents of a run that was never stopped.
        kills: How many, at least.
        seed: Of moments and signals.
        each: Kills of one command at most.
    """
    found, draw = Kills(), random.Random(seed)
    while found.total < kills:
        from_built = built if found.trials % 2 else None
        kill_benchmark(tree, expected, found, draw, most=each, built=from_built)
    return found


def soak_reports(run: Path, cache: Path, files: list[Path], seed: int) -> Damages:
    """Damages files of a finished run, and asks for its report."""
    found = Damages()
    damage_files(files, report(run, cache), found, random.Random(seed))
    return found


def soak_mending(tree: Path, run: Path, cache: Path, files: list[Path], *, seed: int) -> Damages:
    """Damages files, gives the run's command again, and compares the run with what it was.

    Each file is damaged in one way, the next one in the next.

    Args:
        tree: The project.
        run: A finished run in it.
        cache: The cache that it was run with.
        files: Files of the run and of the cache.
        seed: Of bits and lines.
    """
    found, draw = Damages(), random.Random(seed)
    before = {"run": contents(run), "cache": contents(cache)}
    for file, way in zip(files, cycle(WAYS), strict=False):
        # A list that is gone is not made again while a result has it too.
        with damaged(file, WAYS[way], draw, put_back=False) as changed:
            if not changed:
                continue
            ended = command(*RUN, tree=tree, cache=cache)
        found.files.add(str(file))
        found.ways[way] += 1
        what = f"{file}, {way}"
        after = {"run": contents(run), "cache": contents(cache)}
        other = [name for part in before for name in differences(before[part], after[part])]
        if ended.has_traceback:
            found.tracebacks.append(f"{what}: {ended.said[-1500:]}")
        elif ended.code or other:
            found.not_mended.append(f"{what}: {ended.code}, {other}, {ended.said[-500:]}")
        elif file.name in ended.said or file.parent.name in ended.said:
            found.named += 1
        else:
            found.harmless += 1
    return found


def files_of(folder: Path) -> list[Path]:
    """Every file of a folder, in order."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def spread(files: list[Path], most: int) -> list[Path]:
    """At most so many of the files, spread evenly; all of them for 0."""
    if not 0 < most < len(files):
        return files
    return [files[place * len(files) // most] for place in range(most)]


def outcome(kills: Kills, reports: Damages, mending: Damages) -> dict[str, Any]:
    """The figures."""
    return {
        "kills": kills.total,
        "by_stage": dict(kills.by_stage),
        "by_signal": dict(kills.by_signal),
        "benchmarks": kills.trials,
        "different": kills.different,
        "wrong_codes": kills.wrong_codes,
        "left": kills.left,
        "tracebacks": [*kills.tracebacks, *reports.tracebacks, *mending.tracebacks],
        "damages": {
            name: {
                "files": len(one.files),
                "ways": dict(one.ways),
                "total": one.total,
                "named": one.named,
                "harmless": one.harmless,
                "silent": one.silent,
                "unnamed": one.unnamed,
                "not_mended": one.not_mended,
            }
            for name, one in (("report", reports), ("run", mending))
        },
    }


@click.command()
@click.option("--kills", default=100, show_default=True, help="Commands that are killed, at least.")
@click.option("--each", default=12, show_default=True, help="Kills of one command, at most.")
@click.option("--files", default=0, help="Files that are damaged of each part; all by default.")
@click.option("--seed", default=0, show_default=True, help="Of moments, signals, bits and lines.")
@click.option("--json", "as_json", is_flag=True, help="Print all figures as JSON.")
def main(kills: int, each: int, files: int, seed: int, as_json: bool) -> None:
    """Kill a benchmark over and over, and damage every file of a run."""
    warm_up()
    started = time.monotonic()
    with TemporaryDirectory() as scratch:
        tree = soak_tree(Path(scratch) / "project")
        built = tree / "built"
        run = undisturbed(tree, built)
        killed = soak_kills(tree, built, contents(run), kills=kills, seed=seed, each=each)
        home = run.parents[1]
        shutil.copytree(tree / "organisms", home / "organisms")
        shutil.copytree(tree / "tasks", home / "tasks")
        shutil.copy(tree / "pyproject.toml", home)
        reports = soak_reports(run, built, spread(files_of(run), files), seed)
        cell = sorted((run / "cells").iterdir())[0]
        some = [*files_of(cell), *files_of(run / "reference"), run / "manifest.json"]
        some += [run / "examples.jsonl", *files_of(built)]
        mending = soak_mending(home, run, built, spread(some, files), seed=seed)
    found = {**outcome(killed, reports, mending), "seconds": round(time.monotonic() - started)}
    click.echo(json.dumps(found, indent=1) if as_json else told(found))


def told(found: dict[str, Any]) -> str:
    """The figures in a few lines."""
    stages = ", ".join(f"{count} in {stage}" for stage, count in found["by_stage"].items())
    signals = ", ".join(f"{count} {name}" for name, count in found["by_signal"].items())
    lines = [
        f"{found['kills']} kills ({stages}; {signals}) of {found['benchmarks']} benchmarks",
        f"  files that ended otherwise   {len(found['different'])}",
        f"  wrong exit codes             {len(found['wrong_codes'])}",
        f"  left by signals but SIGKILL  {len(found['left'])}",
        f"  tracebacks                   {len(found['tracebacks'])}",
    ]
    for name, one in found["damages"].items():
        lines += [
            f"{one['total']} damages before a {name}, of {one['files']} files",
            f"  named {one['named']}, no difference {one['harmless']}, "
            f"silent {len(one['silent'])}, unnamed {len(one['unnamed'])}, "
            f"not mended {len(one['not_mended'])}",
        ]
    return "\n".join([*lines, f"{found['seconds']} s"])


if __name__ == "__main__":
    main()
