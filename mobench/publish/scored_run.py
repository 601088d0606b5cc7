"""The score of a run's folder; files that contradict each other are told as such."""

from __future__ import annotations

from mobench.errors import MobenchError
from mobench.score import RunScore
from mobench.score.recompute import recompute
from mobench.store import RunFolder
from mobench.store.finished_run import FinishedRun
from mobench.store.rows import run_again


def score_of(folder: RunFolder, run: FinishedRun) -> RunScore:
    """The score of a run that was read.

    Raises:
        MobenchError: Its files contradict each other, as can be in a run from before they were
            listed.
    """
    try:
        return recompute(run.manifest, run.cells, run.rows)
    except ValueError as error:
        raise MobenchError(
            f"{folder.path} cannot be scored: {error}", run_again(run.manifest.command)
        ) from error
