"""A submission together with the score recomputed from its rows: what the pages print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mobench.publish.pages.asked_prompts import asked_prompts
from mobench.publish.pages.sample_answers import Samples, sample_answers
from mobench.publish.submission.announced_plans import Announcement
from mobench.publish.submission.files import Submission
from mobench.publish.submission.findings import Findings
from mobench.publish.submission.standing import Standing
from mobench.records.manifest import Manifest
from mobench.registry.organism_spec import OrganismSpec
from mobench.registry.weights_place import base_name
from mobench.score import Estimate, Rung, RungScore, RunScore
from mobench.score.columns import Columns
from mobench.score.dose_response import DoseResponse
from mobench.score.ladder_score import resistance_of
from mobench.score.recompute import chance, recompute_in_full
from mobench.score.run_dose_response import ladder_dose_response

NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class Entry:
    """One line of the leaderboard.

    Attributes:
        submission: The files.
        score: Every number, recomputed from the rows.
        prompts: How many eval prompts were asked.
        dose: The dose-response, for orientation.
        compared: What resistance at another level is computed from.
        superseded: Whether a later run of the same with a sequential plan takes its place.
        findings: What checking it against the registry found.
        standing: How far it can be trusted.
        samples: A few answers, before training and after.
        base: What the registry calls the model that the organism is made from; None where it has no
            name, or the organism is not there as it was measured.
        announcement: Whether its plan was announced before it was begun.
    """

    submission: Submission
    score: RunScore
    prompts: int
    dose: DoseResponse
    compared: tuple[Rung, ...] = field(default=(), compare=False, repr=False)
    superseded: bool = False
    findings: Findings = field(default_factory=Findings)
    standing: Standing = field(default_factory=Standing)
    samples: Samples = field(default_factory=Samples, compare=False)
    base: str | None = None
    announcement: Announcement = "not announced"

    @property
    def plot_name(self) -> str:
        """File name of the ladder's plot."""
        return f"{self._stem}.svg"

    @property
    def narrow_plot_name(self) -> str:
        """File name of the ladder's plot for narrow screens."""
        return f"{self._stem}--narrow.svg"

    @property
    def frontier_plot_name(self) -> str:
        """File name of the plot of capability against behavior."""
        return f"{self._stem}--frontier.svg"

    @property
    def removal_plot_name(self) -> str:
        """File name of the plot of removal step against learning rate."""
        return f"{self._stem}--removal.svg"

    @property
    def chance(self) -> float | None:
        """Capability of one who guesses, the mean over tasks; None where it is not known."""
        known, tasks = chance(self.manifest), self.manifest.capability or ()
        if not tasks or any(one.task not in known for one in tasks):
            return None
        return sum(known[one.task] for one in tasks) / len(tasks)

    @property
    def page(self) -> str:
        """Its page, relative to the leaderboard's folder."""
        return page_of(self.submission.organism, self.submission.task)

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
        """How weights moved: ``lora`` or ``full``, and the schedule where it is not constant."""
        cells = self.submission.cells
        schedules = sorted({str(cell["schedule"]) for cell in cells if "schedule" in cell})
        return ", ".join([*sorted({str(cell["method"]) for cell in cells}), *schedules])

    @property
    def seeds_by_prompts(self) -> str:
        """``3 × 64``; a range where rungs had different numbers of seeds."""
        seeds = sorted({rung.seeds + rung.diverged for rung in self.score.rungs})
        many = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]}–{seeds[-1]}"
        return f"{many} × {self.prompts}"

    def resistance_at(self, level: float) -> Estimate:
        """Resistance with its interval at another two-sided level."""
        return resistance_of(self.compared, level).headline

    def measured_on(self, spec: OrganismSpec) -> Entry:
        """The same with what only the registry knows: what was asked, and the base's name."""
        asked = asked_prompts(spec, self.samples.prompts)
        return replace(self, samples=self.samples.asking(asked), base=base_name(spec.base))

    def without_rows(self) -> Entry:
        """The same for pages, which print no rows: small enough to hand to another process."""
        return replace(self, submission=replace(self.submission, rows=(), columns=Columns.of(())))

    @property
    def manifest(self) -> Manifest:
        """What was asked, of what, where."""
        return self.submission.manifest

    @property
    def judge(self) -> str | None:
        """The judging model and its rubric; None where the behavior judges alone."""
        judge = self.manifest.judge
        return None if judge is None else judge.identity


def page_of(organism: str, task: str) -> str:
    """The page of an organism and a task, relative to the leaderboard's folder."""
    return f"organisms/{organism}/{task}.md"


def recorded(value: object) -> str:
    """A value of a manifest as text, or ``not recorded``."""
    return NOT_RECORDED if value is None or value == "" else str(value)


def score_submission(submission: Submission) -> Entry:
    """Recomputes a submission's numbers from its rows.

    Raises:
        ValueError: If the rows cannot be scored.
    """
    columns = submission.columns
    found = recompute_in_full(submission.manifest, submission.cells, submission.rows, columns)
    dose = ladder_dose_response(found.score)
    return Entry(
        submission,
        found.score,
        columns.prompts("attack"),
        dose,
        found.compared,
        samples=sample_answers(submission, found.score),
    )


def with_history(entries: Sequence[Entry]) -> list[Entry]:
    """Marks results that another takes the place of.

    One without a sequential plan is history once there is one with a plan for the same organism,
    task, method and preset: it was decided by other rules, on fewer seeds where they count.

    Args:
        entries: All of the board.
    """
    planned = {_what(entry) for entry in entries if entry.manifest.plan is not None}
    return [
        replace(entry, superseded=entry.manifest.plan is None and _what(entry) in planned)
        for entry in entries
    ]


def _what(entry: Entry) -> tuple[str, str, str, str | None]:
    """What a result is of."""
    one = entry.submission
    return one.organism, one.task, entry.method, entry.manifest.preset


def by_resistance(entries: Sequence[Entry]) -> list[Entry]:
    """Sorts the most resistant first, then by name.

    A result without a number comes last, after it those whose task is not compatible.
    """

    def key(entry: Entry) -> tuple[bool, bool, float, str]:
        value = entry.score.resistance.estimate
        odd = entry.score.compatible is False
        return odd, value is None, -round(value or 0.0, 2), entry.submission.place

    return sorted(entries, key=key)
