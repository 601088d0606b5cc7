"""Hashes of large weights, kept in the cache: a 70B is not read whole at every start.

A hash is kept with what its files were: names, sizes, places on the disk, when they were last
written to and last changed in any way. Whatever differs is hashed again. What is not seen is a bit
that fell over on the disk while nobody wrote; remove the kept hash, and all is read again.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from mobench.machine.cache_root import cache_root
from mobench.machine.staging import staging_prefix

PLACE = "weights-hashes"
"""The folder in the cache."""
LARGE = 2**28
"""Bytes from which on hashes are kept: a quarter of a GiB is read in about as many seconds."""
SETTLED_SECONDS = 2.0
"""What was written less long ago may be written again without another time."""


@dataclass(frozen=True)
class FileFacts:
    """What tells a file from what it was before, without reading it.

    Attributes:
        name: Its name in its folder.
        size: In bytes.
        written: When it was last written to, in nanoseconds.
        changed: When anything of it last changed, which nobody can set back.
        number: Its place on the disk.
    """

    name: str
    size: int
    written: int
    changed: int
    number: int

    @classmethod
    def of(cls, path: Path) -> FileFacts:
        """Looks at a file."""
        status = path.stat()
        times = status.st_mtime_ns, status.st_ctime_ns
        return cls(path.name, status.st_size, *times, status.st_ino)


def kept_hash(folder: Path, files: Sequence[FileFacts]) -> str | None:
    """Returns the hash that was kept of a folder's files; None where they are others."""
    try:
        kept = json.loads(_place(folder).read_text(encoding="utf-8"))
        same = kept["files"] == [asdict(file) for file in files]
        return str(kept["sha256"]) if same else None
    except (OSError, ValueError, TypeError, KeyError):
        return None  # None was kept, or what was is damaged.


def keep_hash(folder: Path, files: Sequence[FileFacts], sha256: str, *, began: float) -> None:
    """Keeps a hash, where its files are large and were not just written.

    Args:
        folder: The folder.
        files: Its files as they were before they were read.
        sha256: Their hash.
        began: When reading them began, in seconds since the epoch.
    """
    newest = max((max(file.written, file.changed) for file in files), default=0)
    if sum(file.size for file in files) < LARGE or newest / 1e9 > began - SETTLED_SECONDS:
        return
    path, folder_name = _place(folder), str(folder.resolve())
    kept = {"folder": folder_name, "files": [asdict(file) for file in files], "sha256": sha256}
    with suppress(OSError):  # A cache that cannot be written to costs time, and no run.
        path.parent.mkdir(parents=True, exist_ok=True)
        prefix = staging_prefix(path.name, os.getpid())
        handle, staging = tempfile.mkstemp(prefix=prefix, dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(kept, file, indent=2)
        Path(staging).replace(path)


def _place(folder: Path) -> Path:
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    return cache_root() / PLACE / f"{name}.json"
