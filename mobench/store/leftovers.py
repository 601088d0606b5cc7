"""What nothing needs any more: left by a process that was killed, or by a run that is finished.

Only what mobench made itself is found: files in the making whose maker is gone, and what a finished
run keeps for going on. What a user gave, and whatever has another kind of name, is never among it.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mobench.errors import MobenchError
from mobench.machine.staging import is_abandoned
from mobench.store.cell_folder import CellFolder
from mobench.store.folder import RunFolder

CACHE_PARTS = ("bases", "board", "organisms", "reference", "weights-hashes")
"""Folders of the cache that mobench writes."""
DAY = 86400
"""Seconds."""


@dataclass(frozen=True)
class Leftover:
    """A file or folder that can go.

    Attributes:
        path: Where it is.
        why: Why nothing needs it.
        bytes: What it takes on the disk.
    """

    path: Path
    why: str
    bytes: int

    def remove(self) -> None:
        """Removes it; nothing happens if it is gone already."""
        if self.path.is_dir() and not self.path.is_symlink():
            shutil.rmtree(self.path, ignore_errors=True)
        else:
            self.path.unlink(missing_ok=True)


def leftovers(cache: Path, runs: Path, board: Path) -> list[Leftover]:
    """Finds what nothing needs.

    Args:
        cache: The cache of built organisms.
        runs: Folder that holds run folders.
        board: The leaderboard's folder.

    Returns:
        All of it, in order of place. Any of the folders may be missing.
    """
    found: list[Leftover] = []
    for part in CACHE_PARTS:
        half_built = "half-built by a process that is gone"
        found += _abandoned(cache / part, half_built)
    found += _stopped_builds(cache / "building")
    found += _abandoned(board / "results", "left by a process that was adding a result")
    for run in sorted(runs.glob("*")) if runs.is_dir() else []:
        if (run / "manifest.json").is_file():
            found += _of_run(RunFolder(run))
    return found


def _abandoned(folder: Path, why: str) -> list[Leftover]:
    """What is in the making there and has nobody who makes it; nothing below that."""
    found: list[Leftover] = []
    for path in sorted(folder.rglob(".*")):
        inside = any(path.is_relative_to(one.path) for one in found)
        if not inside and is_abandoned(path):
            found.append(Leftover(path, why, _size(path)))
    return found


def _stopped_builds(folder: Path) -> Iterator[Leftover]:
    """What builds have come to that nobody has gone on with for a day."""
    oldest = time.time() - DAY
    for build in sorted(folder.glob("*")):
        times = [file.stat().st_mtime for file in build.rglob("*")]
        if max(times, default=0.0) < oldest:
            why = "of a build that was stopped over a day ago, which would go on from it"
            yield Leftover(build, why, _size(build))


def _of_run(run: RunFolder) -> Iterator[Leftover]:
    """What nothing needs of one run."""
    yield from _abandoned(run.path, "left by a process that was writing it")
    finished = _is_finished(run)
    for name in run.packs():
        path = run.pack(name)
        if finished or _all_trained(run, path):
            yield Leftover(path, "the state of a pack that is trained", _size(path))
    for cell in run.cells():
        yield from _of_cell(cell, finished=finished)


def _of_cell(cell: CellFolder, *, finished: bool) -> Iterator[Leftover]:
    if finished and cell.has_moments:
        path = cell.moments_path
        yield Leftover(path, "nothing goes on from this cell any more", _size(path))
    with suppress(MobenchError):
        result = cell.result()
        files = None if result is None else result.get("files")
        if files is None:
            return
        kept = {name.split("/")[1] for name in files if name.startswith("adapters/")}
        for folder in sorted((cell.path / "adapters").glob("*")):
            if folder.name not in kept:
                yield Leftover(folder, "a checkpoint that is not to be kept", _size(folder))


def _is_finished(run: RunFolder) -> bool:
    """Whether every cell that the manifest names is done, and its plan asks for nothing more."""
    try:
        manifest = run.manifest()
    except MobenchError:
        return False
    named = [cell["id"] for cell in (*manifest.ladder_cells, *manifest.control_cells)]
    named += manifest.longer_cells
    planned = manifest.plan is None or manifest.plan.finished
    return planned and bool(named) and all(run.cell(one).done for one in named)


def _all_trained(run: RunFolder, pack: Path) -> bool:
    """Whether the cells that a pack's state is for are all trained."""
    try:
        cells = json.loads((pack / "progress.json").read_text(encoding="utf-8"))["cells"]
        return bool(cells) and all(run.cell(str(one)).trained for one in cells)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _size(path: Path) -> int:
    files = [path] if not path.is_dir() else path.rglob("*")
    return sum(file.lstat().st_size for file in files if not file.is_dir())
