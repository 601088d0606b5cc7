"""A folder of weights in the cache, which is complete or not there at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mobench.registry.weights_files import weights_hash

FINISHED = "finished.json"
"""Written into a folder last: a folder without it is incomplete and must not be used."""


def finished_note(folder: Path) -> dict[str, Any] | None:
    """Returns what was noted when a folder was finished, or None where it has to be made.

    The weights are checked against their hash: a folder that was damaged since is made again.
    """
    try:
        note = json.loads((folder / FINISHED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(note, dict) or note.get("weights_hash") != weights_hash(folder):
        return None
    return note


def make_folder(folder: Path, fill: Callable[[Path], Mapping[str, Any]]) -> dict[str, Any]:
    """Makes a folder that appears complete or not at all.

    Args:
        folder: The folder to make. One that is there and not complete is replaced.
        fill: Writes model and tokenizer into a temporary folder and returns what to note.

    Returns:
        The note, with ``weights_hash``; that of another process, if it was faster.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        note = {**fill(staging), "weights_hash": weights_hash(staging)}
        (staging / FINISHED).write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")
        staging.chmod(0o755)
        # Another process may have made it in the meantime, and may be reading it already.
        theirs = finished_note(folder)
        if theirs is not None:
            return theirs
        shutil.rmtree(folder, ignore_errors=True)
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return note
