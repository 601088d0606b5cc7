"""Replies that cost money or time, kept as they come: a run that stops does not ask again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mobench.records.listed_files import SEAL, is_as_sealed, sealed


class ReplyLog:
    """A file of JSON Lines that grows by a line for each reply.

    Args:
        path: The file to add to; made when there is something to keep.
        older: Further files to look replies up in.
    """

    def __init__(self, path: Path, *older: Path) -> None:
        self._path = path
        self._kept: dict[str, Mapping[str, Any]] = {}
        for file in (*older, path):
            self._kept.update(_read(file))

    def get(self, key: str) -> Mapping[str, Any] | None:
        """What was kept under a key, or None."""
        return self._kept.get(key)

    def keep(self, key: str, reply: Mapping[str, Any]) -> None:
        """Writes a reply down at once."""
        line = json.dumps(sealed({"key": key, **reply}), ensure_ascii=False, allow_nan=False)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a+b") as file:
            # Whoever was killed in the middle of a line left it without its end.
            broken = file.tell() > 0 and not _ends_a_line(self._path)
            file.write(f"{chr(10) if broken else ''}{line}\n".encode("utf-8", "surrogatepass"))
        self._kept[key] = dict(reply)


def _read(path: Path) -> dict[str, Mapping[str, Any]]:
    """Every whole line by its key; one that was changed since it was written is left out."""
    if not path.is_file():
        return {}
    found = {}
    for line in path.read_bytes().split(b"\n"):
        try:
            reply = json.loads(line.decode("utf-8", "surrogatepass"))
            if is_as_sealed(reply):
                reply.pop(SEAL, None)
                found[str(reply.pop("key"))] = reply
        except (ValueError, KeyError, AttributeError, TypeError):
            continue
    return found


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"
