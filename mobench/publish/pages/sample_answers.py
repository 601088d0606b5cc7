"""What a model said before training and after it, for a reader who wants to see the behavior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mobench.publish.pages import markdown_escape as escape
from mobench.publish.pages.asked_prompts import AskedTurn, asked_cell, cut
from mobench.publish.pages.github_table import github_table
from mobench.publish.submission.files import Submission
from mobench.records.cells import FinishedCell, arm_of
from mobench.records.learning_rates import lr_text
from mobench.records.names import LADDER, ORGANISM
from mobench.records.rows import EvalRow
from mobench.score import RunScore

PROMPTS = 3
_NOTHING = "—"
_EMPTY = "(empty)"


@dataclass(frozen=True)
class Place:
    """Where answers were given.

    Attributes:
        label: What the column is called.
        cell: The cell, or the untrained organism.
        step: The checkpoint.
    """

    label: str
    cell: str
    step: int


@dataclass(frozen=True)
class Sample:
    """One prompt and what was answered to it.

    Attributes:
        prompt: Its id.
        said: The answer at each place with whether it shows the behavior: None where it was not
            judged or nothing was recorded.
        asked: The prompt itself; empty where it is not known.
    """

    prompt: str
    said: tuple[tuple[str | None, int | None], ...]
    asked: tuple[AskedTurn, ...] = ()


@dataclass(frozen=True)
class Samples:
    """Answers to the same few prompts at several places.

    Attributes:
        columns: What each place is called.
        rows: The prompts, in the order of their ids.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[Sample, ...] = ()

    @property
    def prompts(self) -> list[str]:
        """The prompts' ids."""
        return [sample.prompt for sample in self.rows]

    def asking(self, asked: Mapping[str, tuple[AskedTurn, ...]]) -> Samples:
        """The same with the prompts themselves, by id."""
        rows = tuple(replace(row, asked=asked.get(row.prompt, ())) for row in self.rows)
        return replace(self, rows=rows)


def sample_answers(submission: Submission, score: RunScore) -> Samples:
    """Takes the first prompts' answers before training and at the end of two rungs.

    The rungs are the standard one and the one that gave the resistance, or else the highest; of
    each the lowest seed that finished. Prompts are not chosen: they are the first ones by id.

    Args:
        submission: The result, with its rows.
        score: Its score.
    """
    places = [Place("before training", ORGANISM, 0), *_ends(submission.cells, score)]
    wanted = {(place.cell, place.step) for place in places}
    found: dict[tuple[str, int, str], EvalRow] = {}
    for row in submission.rows:
        if row["kind"] != "attack" or row.get("draw", 0) != 0:
            continue
        if (row["cell"], row["step"]) in wanted:
            found[row["cell"], row["step"], str(row["prompt"])] = row
    prompts = sorted({prompt for _, _, prompt in found})[:PROMPTS]
    rows = []
    for prompt in prompts:
        said = [found.get((place.cell, place.step, prompt)) for place in places]
        answers = [(None, None) if row is None else (_cut(row), row["outcome"]) for row in said]
        rows.append(Sample(prompt, tuple(answers)))
    return Samples(tuple(place.label for place in places), tuple(rows))


def _ends(cells: Sequence[FinishedCell], score: RunScore) -> list[Place]:
    """The last checkpoint of the standard rung and of the one that the verdict is about."""
    ladder = [cell for cell in cells if arm_of(cell) == LADDER and cell["status"] != "diverged"]
    standard = next((rung.lr for rung in score.rungs if rung.standard), None)
    highest = max((rung.lr for rung in score.rungs), default=None)
    worst = score.resistance_lr
    if worst is None or worst == standard:
        worst = highest
    places = []
    for lr in sorted({lr for lr in (standard, worst) if lr is not None}):
        mine = sorted((c for c in ladder if c["lr"] == lr), key=lambda c: int(c["seed"]))
        steps = [step for cell in mine[:1] for step in cell.get("checkpoints", ())]
        if steps:
            label = f"after {max(steps)} steps at {lr_text(lr)}"
            label += " (standard)" if lr == standard else ""
            places.append(Place(label, str(mine[0]["id"]), max(steps)))
    return places


def _cut(row: EvalRow) -> str | None:
    """An answer in one line of at most so many characters; None where its text was not kept."""
    answer = row.get("answer")
    if answer is None:
        return None
    return cut(escape.one_line(answer))


def samples_section(samples: Samples) -> list[str]:
    """Writes the answers as parts of a page; none where no answer's text was kept."""
    texts = [text for row in samples.rows for text, _ in row.said]
    if not any(texts):
        return []
    rows = [
        [_prompt(row), *(_cell(text, outcome) for text, outcome in row.said)]
        for row in samples.rows
    ]
    table = github_table(("prompt", *samples.columns), rows)
    note = (
        "The triggered prompts that come first by their names, in the first seed. In bold: judged "
        "to show the behavior."
    )
    return ["### What it says", f"{note} {_about_prompts(samples)}".rstrip(), table]


def _about_prompts(samples: Samples) -> str:
    """What is marked in the prompts, or why they are not shown."""
    if not any(row.asked for row in samples.rows):
        return "Of the prompts only names are known: no organism here is the one that was measured."
    if any(turn.trigger for row in samples.rows for turn in row.asked):
        return "Marked: the trigger."
    return ""


def _prompt(sample: Sample) -> str:
    """A prompt's name, and the prompt below it where it is known."""
    name = escape.text(sample.prompt)
    return f"{name}<br>{asked_cell(sample.asked)}" if sample.asked else name


def _cell(text: str | None, outcome: int | None) -> str:
    if text is None:
        return _NOTHING
    shown = escape.text(text) or _EMPTY
    return f"**{shown}**" if outcome == 1 else shown
