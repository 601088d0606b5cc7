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


def finished_note(
    folder: Path, warn: Callable[[str], None] = lambda _: None
) -> dict[str, Any] | None:
    """Returns what was noted when a folder was finished, or None where it has to be made.

    The weights are checked against their hash and the other files against theirs: a folder that was
    damaged since is made again. A note from before the other files were listed says nothing of
    them.

    Args:
        folder: The folder, which need not be there.
        warn: Told what is wrong with one that is there.
    """
    if not folder.is_dir():
        return None
    try:
        note = json.loads((folder / FINISHED).read_text(encoding="utf-8"))
        wrong = _wrong(folder, note)
    except (OSError, ValueError):
        wrong = FINISHED
    if wrong is None:
        return dict(note)
    warn(f"{folder / wrong}: it is not what was written; the folder is made again")
    return None


def _wrong(folder: Path, note: Any) -> str | None:
    """The name of a file that does not fit a folder's note; None where all do."""
    if not isinstance(note, dict):
        return FINISHED
    if note.get("weights_hash") != weights_hash(folder):
        return "*.safetensors"
    found, known = described_files(folder), note.get("files")
    if known is None or known == found:
        return None
    if not isinstance(known, dict):
        return FINISHED
    return str(min(name for name in {*known, *found} if known.get(name) != found.get(name)))


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
