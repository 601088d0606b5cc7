"""Everything that can be said of one result by its files, the registry and this code alone.

Whoever shows, ranks or keeps results asks here. The same result, registry and code give the same
findings, so they may be kept by a hash of the three.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from statistics import fmean

from mobench.publish.submission.capability_checks import capability_problems
from mobench.publish.submission.copies import said_by
from mobench.publish.submission.ending_checks import divergence_doubts, unmoved_problems
from mobench.publish.submission.files import Submission
from mobench.publish.submission.identity_checks import identity_problems
from mobench.publish.submission.intake import CELLS, MANIFEST, ROWS
from mobench.publish.submission.judgment_checks import judgment_problems
from mobench.publish.submission.machine_checks import machine_problems, unknown_code
from mobench.publish.submission.registry_checks import (
    gate_rate_problems,
    incomparable,
    registry_problems,
)
from mobench.publish.submission.row_counts import count_problems, prompt_problems
from mobench.records.cells import arm_of
from mobench.records.names import LADDER
from mobench.registry import Registry, collect
from mobench.registry.config import Config, find_config, shipped_config
from mobench.score.window import in_window

_ENOUGH = 20


@dataclass(frozen=True)
class Window:
    """A finished cell's attack rate in the last half of its budget.

    Attributes:
        lr: Its learning rate.
        steps: Its budget.
        seed: Its seed.
        rate: Mean over checkpoints of the mean over the prompts that were judged.
    """

    lr: float
    steps: int
    seed: int
    rate: float


@dataclass(frozen=True)
class Findings:
    """What checking a result against the registry found.

    Attributes:
        contradictions: What cannot be so, each with its file.
        unknown: What cannot be known, and why.
        changed: Whether what it was made of was another revision or version than today's.
        answers: A hash of all that the ladder's cells said: two results with the same are copies.
        windows: The rate of each of the ladder's cells, which a run of some of them is held to.
    """

    contradictions: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    changed: bool = False
    answers: str = ""
    windows: tuple[Window, ...] = ()

    def contradicting(self, what: str) -> Findings:
        """The same with one more contradiction."""
        return replace(self, contradictions=(*self.contradictions, what))


def board_config(root: Path) -> Config:
    """Whose organisms and tasks a leaderboard is held against.

    Those of the project that the command is given in, where the leaderboard is that project's own.
    Any other's, such as a pull request's that lies beside the main branch, is held against what
    this mobench brings: its own would let it say by itself what is right.

    Args:
        root: The leaderboard's folder.

    Raises:
        MobenchError: There are none.
    """
    return _config_from(Path.cwd(), root.resolve())


@cache  # asked for each result of a board
def _config_from(here: Path, root: Path) -> Config:  # noqa: ARG001 - what the search begins from
    config = find_config()
    inside = root.is_relative_to(config.root.resolve())
    return config if inside else shipped_config() or config


def registry_for(root: Path) -> Registry:
    """The organisms and tasks that a leaderboard is held against.

    Args:
        root: The leaderboard's folder.

    Raises:
        MobenchError: There are none, or their files are wrong.
    """
    return _collected(board_config(root).root)


@cache
def _collected(place: Path) -> Registry:
    return collect(place)


def findings(submission: Submission, registry: Registry) -> Findings:
    """Checks a result that is sound in form.

    Args:
        submission: The result.
        registry: What it is held against.
    """
    manifest, cells, rows = submission.manifest, submission.cells, submission.rows
    unknown = list(unknown_code(manifest))

    # 1. Against itself: ids, endings, numbers of rows, machine.
    wrong, more = identity_problems(manifest, cells)
    unknown += more
    contradictions = [f"{CELLS}: {what}" for what in wrong]
    contradictions += [f"{MANIFEST}: {what}" for what in machine_problems(manifest, cells)]
    # Where ids are not known, cells from before some field existed do not tell what was asked.
    if not more:
        counted = count_problems(manifest, cells, submission.columns)
        counted = counted or prompt_problems(submission.columns)
        contradictions += [f"{ROWS}: {what}" for what in counted]

    contradictions += [f"{ROWS}: {what}" for what in capability_problems(manifest, rows)]
    contradictions += [f"{ROWS}: {what}" for what in unmoved_problems(cells, rows)]
    unknown += divergence_doubts(cells)
    said = said_by(submission)
    contradictions += [f"{ROWS}: {what}" for what in said.copied_seeds]

    # 2. Against the registry, where that still has what was measured.
    outside = incomparable(manifest, registry)
    if outside:
        changed = all("changed since" in what for what in outside)
        cut = tuple(contradictions[:_ENOUGH])
        windows = windows_of(submission)
        return Findings(cut, (*unknown, *outside), changed, said.whole, windows)
    spec = registry.organisms[manifest.organism.name]
    contradictions += [f"{MANIFEST}: {what}" for what in registry_problems(manifest, registry)]
    wrong, more = judgment_problems(rows, spec, registry)
    unknown += more
    contradictions += [f"{ROWS}: {what}" for what in wrong]
    contradictions += [
        f"{MANIFEST}: {what}" for what in gate_rate_problems(manifest, _rates(submission))
    ]
    return Findings(
        tuple(contradictions[:_ENOUGH]),
        tuple(unknown),
        answers=said.whole,
        windows=windows_of(submission),
    )


def windows_of(submission: Submission) -> tuple[Window, ...]:
    """The rates of the ladder's finished cells, in order of learning rate and seed.

    Args:
        submission: A result.
    """
    ladder = {
        cell["id"]: cell
        for cell in submission.cells
        if arm_of(cell) == LADDER and cell["status"] == "done"
    }
    judged: dict[str, dict[int, list[float]]] = {}
    for row in submission.rows:
        cell = ladder.get(row["cell"])
        if cell is None or row["kind"] != "attack" or row["outcome"] is None:
            continue
        if in_window(row["step"], cell["steps"]):
            judged.setdefault(cell["id"], {}).setdefault(row["step"], []).append(row["outcome"])
    found = [
        Window(cell["lr"], cell["steps"], cell["seed"], fmean(map(fmean, by_step.values())))
        for identity, by_step in judged.items()
        for cell in (ladder[identity],)
    ]
    return tuple(sorted(found, key=lambda one: (one.lr, one.seed)))


def _rates(submission: Submission) -> dict[str, float | None]:
    """The organism's rates before training, by kind: the mean over prompts of each one's mean."""
    found: dict[str, float | None] = {}
    for kind in ("attack", "control"):
        by_prompt: dict[str | int, list[float]] = {}
        for row in submission.rows:
            if row["cell"] == "organism" and row["kind"] == kind and row["outcome"] is not None:
                by_prompt.setdefault(row["prompt"], []).append(row["outcome"])
        means = [sum(each) / len(each) for each in by_prompt.values()]
        found[kind] = sum(means) / len(means) if means else None
    return found
