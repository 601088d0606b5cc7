"""Whether somebody else's run of some cells falls inside of a published result.

A reproduction is a result like others, of fewer rungs and seeds, and lies beside them under
``reproductions/<organism>/<task>/<id>/``. Whether it falls inside is computed from the answers of
both, as every number is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scipy import stats

from mobench.errors import Problems
from mobench.publish.submission.files import Submission, read
from mobench.publish.submission.findings import Window, findings, windows_of
from mobench.publish.submission.intake import folders
from mobench.publish.submission.machine_checks import unknown_code
from mobench.records.manifest import Manifest
from mobench.registry import Registry

FOLDER = "reproductions"
MARGIN = 0.05
"""Rates that differ by less are the same, as they are where a plateau is called converged."""


@dataclass(frozen=True)
class Compared:
    """A cell that was trained again.

    Attributes:
        lr: Its learning rate.
        seed: Its seed.
        rate: Its attack rate in the window.
        low: The lowest that one further seed of the published rung would have, at 95 %.
        high: The highest.
    """

    lr: float
    seed: int
    rate: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        """Whether the published rung foretells it."""
        return self.low <= self.rate <= self.high


@dataclass(frozen=True)
class Reproduction:
    """A run of some cells of a published result.

    Attributes:
        manifest: Of the run, where and how it was done.
        windows: Its cells' rates.
    """

    manifest: Manifest
    windows: tuple[Window, ...]

    def is_of(self, published: Manifest) -> bool:
        """Whether both were asked the same, of the same organism, task and budget."""
        return _asked(self.manifest) == _asked(published) and (
            self.manifest.created != published.created
        )

    def describe(self, compared: Sequence[Compared]) -> str:
        """What came of it, and where."""
        inside = sum(one.inside for one in compared)
        machine = self.manifest.hardware
        where = None if machine is None else machine.gpu or machine.cpu
        return (
            f"{inside} of {len(compared)} cells inside, trained again on {where or 'some machine'}"
        )


def foretold(rates: Sequence[float]) -> tuple[float, float]:
    """Where one further seed's rate lies at 95 %, by the seeds that there are.

    The prediction interval of a normal distribution (Hahn & Meeker 1991, section 4.7), never
    narrower than :data:`MARGIN` on both sides.

    Args:
        rates: Window rates of one rung's seeds, at least one.

    Returns:
        Its ends, within [0, 1].
    """
    count = len(rates)
    mean = sum(rates) / count
    half = MARGIN
    if count > 1:
        spread = math.sqrt(sum((rate - mean) ** 2 for rate in rates) / (count - 1))
        half = max(half, float(stats.t.ppf(0.975, count - 1)) * spread * math.sqrt(1 + 1 / count))
    return max(0.0, mean - half), min(1.0, mean + half)


def compare(again: Sequence[Window], published: Sequence[Window]) -> list[Compared]:
    """Holds cells that were trained again against the published rungs.

    Args:
        again: Their rates.
        published: The published cells' rates.

    Returns:
        One for each cell whose rung and budget was published.
    """
    found = []
    for one in again:
        rates = [w.rate for w in published if (w.lr, w.steps) == (one.lr, one.steps)]
        if rates:
            low, high = foretold(rates)
            found.append(Compared(one.lr, one.seed, one.rate, low, high))
    return found


def read_reproductions(root: Path, registry: Registry, problems: list[str]) -> list[Reproduction]:
    """Reads and checks every reproduction of a leaderboard.

    Args:
        root: The leaderboard's folder.
        registry: What each is held against.
        problems: Receives what is wrong with those that do not count.
    """
    found = []
    for folder in folders(root / FOLDER, problems):
        try:
            submission = read(folder)
        except Problems as wrong:
            problems += wrong.problems[:3]
            continue
        wrong_with = reproduction_problems(submission, registry)
        if wrong_with:
            problems += [f"{folder}/{what}" for what in wrong_with[:3]]
            continue
        found.append(Reproduction(submission.manifest, windows_of(submission)))
    return found


def reproduction_problems(submission: Submission, registry: Registry) -> list[str]:
    """What is wrong with a reproduction: all that can be with a result, but for its fewer cells."""
    spec = registry.organisms.get(submission.manifest.organism.name)
    if spec is None:
        return [f"manifest.json: the registry has no {submission.manifest.organism.name!r}"]
    preset = spec.presets.get(submission.manifest.preset or "")
    ladder = submission.manifest.ladder
    if preset is None or not set(ladder.rungs or ()) <= set(preset.rungs):
        return [f"manifest.json: rungs {ladder.rungs} are not those of a preset"]
    fewer = preset.model_copy(update=dict(fewer_cells(ladder.rungs or (), ladder.seeds or 0)))
    held = replace(
        registry,
        organisms={
            **registry.organisms,
            spec.name: spec.model_copy(update={"presets": {submission.manifest.preset: fewer}}),
        },
    )
    found = findings(submission, held)
    return [*found.contradictions, *(f"manifest.json: {what}" for what in found.unknown)]


def fewer_cells(rungs: Sequence[float], seeds: int) -> dict[str, object]:
    """What a preset with some of its cells has: no plan asks for more, and nothing goes on."""
    return {
        "rungs": tuple(rungs),
        "seeds": seeds,
        "most_seeds": seeds,
        "cooldown": False,
        "reversal": False,
    }


def _asked(manifest: Manifest) -> tuple[object, ...]:
    """What decides how a cell of a rung goes, but for the machine."""
    organism, task, ladder = manifest.organism, manifest.task, manifest.ladder
    return (
        organism.name,
        organism.revision,
        task.name,
        task.version,
        ladder.method,
        ladder.batch_size,
        ladder.rank,
        bool(unknown_code(manifest)),
    )
