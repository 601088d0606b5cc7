"""What was written: a file's length and hash, and the seal of a record that is written last."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

SEAL = "seal"
"""The key of a record's own hash."""
_SEAL_DIGITS = 16


@with_config(ConfigDict(extra="forbid"))
class ListedFile(TypedDict):
    """A file as it was written.

    Attributes:
        bytes: Its length.
        sha256: SHA-256 of its content, in hex.
        modified: When it was written, in nanoseconds since 1970; of files that are too large to be
            read each time, which are read again where this is another.
    """

    bytes: Annotated[int, Field(ge=0, strict=True)]
    sha256: str
    modified: NotRequired[int]


LISTED_FILE: TypeAdapter[ListedFile] = TypeAdapter(ListedFile)


def listed(content: bytes) -> ListedFile:
    """Lists a file by its content."""
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def listed_on_disk(path: Path) -> ListedFile:
    """Lists a file that may be large, with the time at which it was written.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    status = path.stat()
    return {"bytes": status.st_size, "sha256": digest, "modified": status.st_mtime_ns}


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with the hash of all its other fields."""
    return {**record, SEAL: _seal(record)}


def is_as_sealed(record: Mapping[str, Any]) -> bool:
    """Whether a record is what was sealed; one without a seal is from before there were any."""
    return SEAL not in record or record[SEAL] == _seal(record)


def _seal(record: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in record.items() if key != SEAL}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_SEAL_DIGITS]
