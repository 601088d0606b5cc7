"""Takes what a leaderboard needs out of a finished run's folder."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from mobench.errors import Problems
from mobench.publish.scored_run import score_of
from mobench.publish.submission import files as submission
from mobench.publish.submission.intake import CELLS, MANIFEST
from mobench.publish.submission.plan_replay import asked_text, still_asked
from mobench.records.manifest import Manifest
from mobench.records.reading import parsed
from mobench.store import RunFolder
from mobench.store.finished_run import finished_run


@dataclass(frozen=True)
class Added:
    """A run on the leaderboard.

    Attributes:
        folder: Its folder under ``results/``.
        replaced: Folders of the same run as it was added before, now gone.
        local_parts: What of the organism's weights lies in a local folder, so that others cannot
            get it and the board marks the result.
    """

    folder: Path
    replaced: tuple[Path, ...]
    local_parts: tuple[str, ...] = ()
    not_listed: int = 0


def add_run(run: Path, root: Path) -> Added:
    """Copies a finished run's manifest, cells and rows, answers included, into ``results/``.

    Args:
        run: The run's folder.
        root: The leaderboard's folder.

    Returns:
        The new folder; the same one, unchanged, if the run was added before just as it is. As it
        was before it went on (more cells, controls, a newer manifest) it is replaced: the same
        rows on the board twice would look like two runs that agree.

    Raises:
        MobenchError: If it is no run's folder, or the leaderboard's folder is not there.
        Problems: If the run or its plan is unfinished, or its files are malformed; nothing is
            written then.
    """
    submission.require(root)
    folder = RunFolder(run)
    manifest = folder.manifest()
    planned = [cell["id"] for cell in [*manifest.ladder_cells, *manifest.control_cells]]
    # A rung whose longer cells are under way still counts with its short ones: not the end.
    unfinished = [
        f"{folder.cell(identity).path}: this cell has not finished"
        for identity in dict.fromkeys([*planned, *manifest.longer_cells])
        if not folder.cell(identity).done
    ]
    if unfinished:
        command = manifest.command
        raise Problems(unfinished, f"To go on: {command}" if command else "Finish the run first.")
    whole = finished_run(folder)
    asked = still_asked(score_of(folder, whole), manifest)
    if asked:
        raise Problems(
            [f"{run}: its plan asks for {asked_text(asked, manifest)}"],
            f"To go on: {manifest.command or 'mobench run'}",
        )
    added = submission.write(root / "results", manifest.to_json(), whole.cells, whole.rows)
    earlier = tuple(
        path
        for path in sorted(added.parent.iterdir())
        if path != added and _same_run(path, manifest, set(planned))
    )
    for path in earlier:
        shutil.rmtree(path)
    return Added(added, earlier, tuple(manifest.local_parts), whole.not_listed)


def _same_run(result: Path, manifest: Manifest, identities: set[str]) -> bool:
    """Whether a result is an earlier state of a run: begun at that time, with no other cells."""
    files = (result / MANIFEST, result / CELLS)
    if not all(file.is_file() for file in files):
        return False
    earlier, cells = (parsed(file, submission.REMEDY) for file in files)
    begun = earlier.get("created")
    same = begun is not None and begun == manifest.created
    return same and {str(cell.get("id")) for cell in cells} <= identities
