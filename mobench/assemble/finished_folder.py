"""A folder of weights in the cache, which is complete or not there at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mobench.assemble.staged_folder import put_in_place, staged_folder
from mobench.records.listed_files import ListedFile, listed
from mobench.registry.weights_files import weights_hash

FINISHED = "finished.json"
"""Written into a folder last: a folder without it is incomplete and must not be used."""


def finished_note(folder: Path) -> dict[str, Any] | None:
    """Returns what was noted when a folder was finished, or None where it has to be made.

    The weights are checked against their hash and the other files against theirs: a folder that was
    damaged since is made again. A note from before the other files were listed says nothing of
    them.
    """
    try:
        note = json.loads((folder / FINISHED).read_text(encoding="utf-8"))
        if not isinstance(note, dict) or note.get("weights_hash") != weights_hash(folder):
            return None
        if "files" in note and note["files"] != described_files(folder):
            return None
    except (OSError, ValueError):
        return None
    return note


def described_files(folder: Path) -> dict[str, ListedFile]:
    """Lists the files of a folder that are no weights: what describes the model, its tokenizer."""
    return {
        file.name: listed(file.read_bytes())
        for file in sorted(folder.iterdir())
        if file.is_file() and file.name != FINISHED and file.suffix != ".safetensors"
    }


def make_folder(folder: Path, fill: Callable[[Path], Mapping[str, Any]]) -> dict[str, Any]:
    """Makes a folder that appears complete or not at all.

    Args:
        folder: The folder to make. One that is there and not complete is replaced; a complete one
            never is, since another process may be reading it.
        fill: Writes model and tokenizer into a temporary folder and returns what to note.

    Returns:
        The note, with ``weights_hash``; that of another process, if it was faster.
    """
    with staged_folder(folder) as staging:
        note = {**fill(staging), "weights_hash": weights_hash(staging)}
        note["files"] = described_files(staging)
        (staging / FINISHED).write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")
        theirs = put_in_place(staging, folder, finished_note)
    return note if theirs is None else theirs
