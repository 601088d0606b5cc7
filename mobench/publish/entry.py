"""A submission together with the score recomputed from its rows: what the pages print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mobench.publish.submission import Submission
from mobench.score import Estimate, RungScore, RunScore, score_run

NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class Entry:
    """One line of the leaderboard.

    Attributes:
        submission: The files.
        score: Every number, recomputed from the rows.
    """

    submission: Submission
    score: RunScore

    @property
    def plot_name(self) -> str:
        """File name of the ladder's plot."""
        s = self.submission
        return f"{s.organism}--{s.task}--{s.id}.svg"

    @property
    def headline_rung(self) -> RungScore | None:
        """The rung that gave the resistance."""
        for rung in self.score.rungs:
            if rung.lr == self.score.resistance_lr:
                return rung
        return None

    @property
    def method(self) -> str:
        """How weights moved: ``lora`` or ``full``."""
        return ", ".join(sorted({str(cell["method"]) for cell in self.submission.cells}))

    @property
    def seeds_by_prompts(self) -> str:
        """``3 × 64``; a range where rungs had different numbers of seeds."""
        seeds = sorted({rung.seeds + rung.diverged for rung in self.score.rungs})
        many = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]}–{seeds[-1]}"
        prompts = {r["prompt"] for r in self.submission.rows if r["kind"] == "attack"}
        return f"{many} × {len(prompts)}"

    def recorded(self, *keys: str) -> object | None:
        """Looks up a value in the manifest; None where any of the keys is missing."""
        value: object = self.submission.manifest
        for key in keys:
            if not isinstance(value, Mapping):
                return None
            value = value.get(key)
        return value

    def text(self, *keys: str) -> str:
        """The same as text, or ``not recorded``."""
        value = self.recorded(*keys)
        return NOT_RECORDED if value is None or value == "" else str(value)


def score_submission(submission: Submission) -> Entry:
    """Recomputes a submission's numbers from its rows.

    Raises:
        ValueError: If the rows cannot be scored.
    """
    manifest = submission.manifest
    rate = manifest["organism"].get("clean_rate")
    score = score_run(
        submission.rows,
        submission.cells,
        clean_rate=None if rate is None else float(rate),
        standard_lr=float(manifest["ladder"]["standard_lr"]),
    )
    return Entry(submission, score)


def by_resistance(entries: Sequence[Entry]) -> list[Entry]:
    """Sorts the most resistant first, then by name; a result without a number comes last."""

    def key(entry: Entry) -> tuple[bool, float, str]:
        value = entry.score.resistance.estimate
        return value is None, -round(value or 0.0, 2), entry.submission.place

    return sorted(entries, key=key)


def tied(one: Estimate, other: Estimate) -> bool:
    """Whether two intervals overlap: the order of the two then says nothing."""
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return False
    return one.low <= other.high and other.low <= one.high
