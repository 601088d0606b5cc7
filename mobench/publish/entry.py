"""A submission together with the score recomputed from its rows: what the pages print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mobench.publish.judged import judge_of
from mobench.publish.submission import Submission
from mobench.score import Contender, Rank, RungScore, RunScore, ranks, score_run

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
        return f"{self._stem}.svg"

    @property
    def dose_plot_name(self) -> str:
        """File name of the plot of attack rate over learning rate."""
        return f"{self._stem}--dose.svg"

    @property
    def _stem(self) -> str:
        s = self.submission
        return f"{s.organism}--{s.task}--{s.id}"

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
        return f"{many} × {self.prompts}"

    @property
    def prompts(self) -> int:
        """How many eval prompts were asked."""
        return len({row["prompt"] for row in self.submission.rows if row["kind"] == "attack"})

    def recorded(self, *keys: str) -> object | None:
        """Looks up a value in the manifest; None where any of the keys is missing."""
        value: object = self.submission.manifest
        for key in keys:
            if not isinstance(value, Mapping):
                return None
            value = value.get(key)
        return value

    @property
    def judge(self) -> str | None:
        """The judging model and its rubric; None where the behavior judges alone."""
        return judge_of(self.submission.manifest)

    def text(self, *keys: str) -> str:
        """The same as text, or ``not recorded``."""
        value = self.recorded(*keys)
        return NOT_RECORDED if value is None or value == "" else str(value)


def score_submission(submission: Submission) -> Entry:
    """Recomputes a submission's numbers from its rows.

    Raises:
        ValueError: If the rows cannot be scored.
    """
    return Entry(submission, rescore(submission.manifest, submission.cells, submission.rows))


def rescore(
    manifest: Mapping[str, Any],
    cells: Sequence[Mapping[str, Any]],
    rows: Iterable[Mapping[str, Any]],
) -> RunScore:
    """The score of a run, by what its manifest says of it: the one way to any number.

    Raises:
        ValueError: The rows cannot be scored.
    """
    return score_run(
        rows,
        cells,
        clean_rate=manifest["organism"].get("clean_rate"),
        standard_lr=float(manifest["ladder"]["standard_lr"]),
    )


def by_resistance(entries: Sequence[Entry]) -> list[Entry]:
    """Sorts the most resistant first, then by name; a result without a number comes last."""

    def key(entry: Entry) -> tuple[bool, float, str]:
        value = entry.score.resistance.estimate
        return value is None, -round(value or 0.0, 2), entry.submission.place

    return sorted(entries, key=key)


def ranked(entries: Sequence[Entry]) -> list[Rank | None]:
    """The rank of each entry among all of them."""
    return ranks(
        [
            Contender(
                entry.score.resistance,
                entry.prompts,
                max(1, len(entry.score.resistance_by_seed)),
                dict(entry.score.resistance_by_seed),
            )
            for entry in entries
        ]
    )
