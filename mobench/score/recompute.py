"""The score of a run from its records. Every number that is shown of a run is computed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mobench.records.cells import FinishedCell, arm_of
from mobench.records.manifest import Manifest
from mobench.records.names import LADDER
from mobench.records.rows import Row
from mobench.score.columns import Columns
from mobench.score.run_score import score_run
from mobench.score.rung_outcomes import Planned
from mobench.score.scores import RunScore


def recompute(
    manifest: Manifest,
    cells: Sequence[FinishedCell],
    rows: Sequence[Row],
    columns: Columns | None = None,
) -> RunScore:
    """Returns the score of a run.

    Args:
        manifest: The run's manifest.
        cells: The ladder's cells and the controls'.
        rows: Rows of all of them, and of the organism and its base before training.
        columns: The same rows as columns, where they are already made.

    Raises:
        ValueError: The rows cannot be scored.
    """
    score = score_run(
        rows,
        [cell for cell in cells if arm_of(cell) == LADDER],
        controls=[cell for cell in cells if arm_of(cell) != LADDER],
        clean_rate=manifest.organism.clean_rate,
        standard_lr=manifest.ladder.standard_lr,
        planned=planned(manifest),
        reversal=manifest.reversal,
        columns=columns,
    )
    return replace(score, compatible=manifest.compatible)


def planned(manifest: Manifest) -> Planned:
    """Returns how much a run should have at least, as its manifest says."""
    questions = {
        one.task: one.questions for one in manifest.capability or () if one.questions is not None
    }
    return Planned(manifest.ladder.seeds or 0, manifest.organism.prompts or 0, questions)
