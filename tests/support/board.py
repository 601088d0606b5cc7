"""A leaderboard's results, scored in this process."""

from __future__ import annotations

from pathlib import Path

from mobench.publish.pages.entry import Entry, score_submission
from mobench.publish.submission.files import read_all


def scored_entries(root: Path) -> list[Entry]:
    """Every result below a leaderboard's folder with the numbers that its rows give."""
    return [score_submission(submission) for submission in read_all(root / "results")]
