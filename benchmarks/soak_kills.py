"""A whole benchmark that is killed at random moments, and what is left in the end.

Build, training, measuring and scoring are one command; publishing is two more. Each is begun again
until it ends by itself, and has to end as one that was never stopped.
"""

from __future__ import annotations

import random
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.soak_compare import contents, differences
from benchmarks.soak_process import Ended, command
from benchmarks.soak_tree import ORGANISM

RUN = ("run", "--organism", ORGANISM, "--device", "cpu", "--offline")
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
CODES = {signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGINT: 130}


@dataclass
class Kills:
    """What came of the kills.

    Attributes:
        by_stage: How many came at which stage.
        by_signal: How many by which signal.
        trials: Benchmarks brought to their end.
        different: Files that did not end as in one that was never stopped.
        tracebacks: What ended with one.
        wrong_codes: Stops that did not end with their signal's exit code.
        left: Names of files in the making that were left by signals that can be answered.
    """

    by_stage: Counter[str] = field(default_factory=Counter)
    by_signal: Counter[str] = field(default_factory=Counter)
    trials: int = 0
    different: list[str] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)
    wrong_codes: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many processes were stopped."""
        return sum(self.by_stage.values())


def kill_benchmark(tree: Path, expected: dict[str, object], kills: Kills, draw: random.Random,
                   *, most: int, built: Path | None = None) -> None:  # fmt: skip
    """Brings one benchmark to its end through kills.

    Args:
        tree: The project; its run and cache are made anew.
        expected: Contents of a run that was never stopped.
        kills: Takes what came of it.
        draw: Draws moments and signals.
        most: Kills of each command at most, after which it is let end.
        built: A cache with the organism, to begin with; None builds it here too.
    """
    cache, runs, board = tree / "cache", tree / "runs", tree / "leaderboard"
    for folder in (cache, runs, board):
        shutil.rmtree(folder, ignore_errors=True)
    if built is not None:
        shutil.copytree(built, cache)
    board.mkdir()

    def through(arguments: tuple[str, ...], longest: float, stage: Callable[[], str]) -> None:
        ended, first = None, kills.total
        while ended is None:
            spent = kills.total - first >= most
            by = draw.choice(SIGNALS)
            # Mostly soon, and at times so late that whatever is not resumed comes to its end.
            most_seconds = longest if draw.random() < 0.3 else longest / 3
            after = None if spent else draw.uniform(0.02, most_seconds)
            known = _in_the_making(cache, runs, board)
            found = command(*arguments, tree=tree, cache=cache, kill_after=after, by=by)
            ended = _noted(found, by, stage, kills)
            if ended is None and by != signal.SIGKILL:
                new = _in_the_making(cache, runs, board) - known
                kills.left += sorted(f"{stage()}: {name}" for name in new)

    through(RUN, 5.0, lambda: _stage(cache, runs))
    (run,) = runs.iterdir()
    kills.different += differences(contents(run), expected)
    through(("leaderboard", "add", f"runs/{run.name}"), 0.6, lambda: "publish")
    through(("leaderboard", "build"), 0.8, lambda: "publish")
    _compare_boards(tree, cache, run, board, kills)
    kills.trials += 1


def _compare_boards(tree: Path, cache: Path, run: Path, board: Path, kills: Kills) -> None:
    """A board that was written through kills is the one that is written at once."""
    other = tree / "undisturbed"
    shutil.rmtree(other, ignore_errors=True)
    other.mkdir()
    for arguments in (("add", f"runs/{run.name}"), ("build",)):
        command("leaderboard", *arguments, "--root", other.name, tree=tree, cache=cache)
    kills.different += differences(contents(board), contents(other))


def _noted(ended: Ended, by: int, stage: Callable[[], str], kills: Kills) -> Ended | None:
    """Counts a kill; returns the command's end where it was not killed."""
    if ended.has_traceback:
        kills.tracebacks.append(ended.said[-2000:])
    if ended.code == 0:
        return ended
    name = signal.Signals(by).name
    expected = CODES.get(signal.Signals(by), -int(by))
    # So early that Python itself does not answer it yet, a signal ends a process as it ends others.
    if ended.code not in (expected, -int(by)):
        kills.wrong_codes.append(f"{stage()}, {name}: {ended.code}: {ended.said[-500:]}")
    kills.by_stage[stage()] += 1
    kills.by_signal[name] += 1
    return None


def _stage(cache: Path, runs: Path) -> str:
    """How far a run has got, by what lies there."""
    if not list(cache.glob("organisms/*/finished.json")):
        return "build"
    if not list(runs.glob("*/cells/*/adapters")):
        return "gate"
    if list(runs.glob("*/score.json")):
        return "score"
    cells = list(runs.glob("*/cells/*"))
    done = sum((cell / "result.json").is_file() for cell in cells)
    if done == len(cells) == 5:
        return "score"
    trained = sum((cell / "trained.json").is_file() for cell in cells)
    return "train" if trained < len(cells) else "measure"


def _in_the_making(*folders: Path) -> set[str]:
    """What lies there under a name of something in the making."""
    return {str(path) for folder in folders for path in folder.rglob(".*")}
