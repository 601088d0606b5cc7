"""Takes what a leaderboard needs out of a finished run's folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mobench.errors import Problems
from mobench.publish.scoring import ENDED, longer_cells
from mobench.publish.submission import files as submission
from mobench.store import RunFolder


@dataclass(frozen=True)
class Added:
    """A run on the leaderboard.

    Attributes:
        folder: Its folder under ``results/``.
        replaced: Folders of the same run as it was added before, now gone.
    """

    folder: Path
    replaced: tuple[Path, ...]


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
        Problems: If the run is unfinished or its files are malformed; nothing is written then.
    """
    submission.require(root)
    folder = RunFolder(run)
    manifest = folder.manifest()
    listed = [*manifest["cells"], *(manifest.get("controls") or [])]
    planned = [cell if isinstance(cell, Mapping) else {"id": cell} for cell in listed]
    identities = [str(cell.get("id")) for cell in planned]
    # A rung whose longer cells are under way still counts with its short ones: not the end.
    unfinished = [
        f"{folder.cell(identity).path}: this cell has not finished"
        for identity in dict.fromkeys([*identities, *longer_cells(manifest)])
        if not folder.cell(identity).done
    ]
    if unfinished:
        command = manifest.get("command")
        raise Problems(unfinished, f"To go on: {command}" if command else "Finish the run first.")
    cells = [
        {**cell, **_record(folder.cell(identity).path)}
        for cell, identity in zip(planned, identities, strict=True)
    ]
    added = submission.write(root / "results", manifest, cells, folder.rows(identities))
    earlier = tuple(
        path
        for path in sorted(added.parent.iterdir())
        if path != added and _same_run(path, manifest, set(identities))
    )
    for path in earlier:
        shutil.rmtree(path)
    return Added(added, earlier)


def _same_run(result: Path, manifest: Mapping[str, Any], identities: set[str]) -> bool:
    """Whether a result is an earlier state of a run: begun at that time, with no other cells."""
    if not (result / submission.MANIFEST).is_file() or not (result / submission.CELLS).is_file():
        return False
    begun = _read(result / submission.MANIFEST).get("created")
    cells = _read(result / submission.CELLS, list)
    same = begun is not None and begun == manifest.get("created")
    return same and {str(cell.get("id")) for cell in cells} <= identities


def _record(cell: Path) -> dict[str, Any]:
    """A cell's identity and how it ended, without whatever else its result holds."""
    identity = cell / "cell.json"
    record = _read(identity) if identity.is_file() else {}
    result = _read(cell / "result.json")
    return {**record, **{key: result[key] for key in ENDED if key in result}}


def _read(path: Path, kind: type[dict[str, Any] | list[Any]] = dict) -> Any:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise Problems([f"{path}:{error.lineno}: not JSON: {error.msg}"]) from error
    if not isinstance(value, kind):
        raise Problems([f"{path}: expected a JSON {'object' if kind is dict else 'list'}"])
    return value
