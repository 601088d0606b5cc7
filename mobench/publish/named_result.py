"""A result by whatever name one has for it: a folder of either kind, its id, or what it is of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mobench.errors import MobenchError, Problems, did_you_mean, listed
from mobench.publish.pages.entry import score_submission
from mobench.publish.scored_run import score_of
from mobench.publish.submission.files import read
from mobench.publish.submission.intake import CELLS, ROWS, folders
from mobench.records.cells import FinishedCell
from mobench.records.manifest import Manifest
from mobench.score import RunScore
from mobench.store import RunFolder
from mobench.store.finished_run import finished_run

_NAMED = 5


@dataclass(frozen=True)
class NamedResult:
    """A result with its numbers, recomputed from its rows.

    Attributes:
        id: Its id on a leaderboard; None for a run that is not on one.
        manifest: What was asked, of what, where.
        cells: Its cells and its controls'.
        score: Its numbers.
    """

    id: str | None
    manifest: Manifest
    cells: tuple[FinishedCell, ...]
    score: RunScore

    @property
    def label(self) -> str:
        """What it is of, and which one."""
        of = f"{self.manifest.organism.name} on {self.manifest.task.name}"
        return of if self.id is None else f"{of} ({self.id})"


def named_result(name: str, root: Path) -> NamedResult:
    """Finds a result and scores it.

    Args:
        name: A run's folder, a result's folder, the beginning of a result's id, or
            ``organism/task`` where a leaderboard has one result of that.
        root: The leaderboard's folder, for what is no path.

    Raises:
        MobenchError: There is no such result, or there are several.
        Problems: Its files are damaged.
    """
    path = Path(name)
    if path.is_dir() and not (path / ROWS).is_file() and not (path / CELLS).is_file():
        folder = RunFolder(path.absolute())
        run = finished_run(folder)
        return NamedResult(None, run.manifest, run.cells, score_of(folder, run))
    submission = read(path if path.is_dir() else _on_board(name, root))
    try:
        entry = score_submission(submission)
    except ValueError as error:
        raise MobenchError(f"{name} cannot be scored: {error}") from error
    return NamedResult(submission.id, submission.manifest, submission.cells, entry.score)


def _on_board(name: str, root: Path) -> Path:
    """The folder of a result on the leaderboard."""
    problems: list[str] = []
    places = folders(root / "results", problems)
    if problems:
        raise Problems(problems)
    found = [place for place in places if _is_called(place, name)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = listed([place.name for place in found], most=_NAMED, between=", ")
        fact = f"{len(found)} results are called {name!r}"
        raise MobenchError(fact, f"name one by its id: {ids}")
    names = sorted({f"{place.parent.parent.name}/{place.parent.name}" for place in places})
    raise MobenchError(
        f"no result is called {name!r}.{did_you_mean(name, names)}",
        "name a run's folder, or a result of the leaderboard by its id or as organism/task",
    )


def _is_called(place: Path, name: str) -> bool:
    of: Sequence[str] = (place.parent.parent.name, place.parent.name)
    return "/".join(of) == name or (len(name) >= 4 and place.name.startswith(name))
