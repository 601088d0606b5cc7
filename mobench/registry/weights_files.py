"""What identifies and measures the weights in a folder, read from its safetensors files."""

from __future__ import annotations

import hashlib
import math
import time
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mobench.registry.kept_hashes import FileFacts, keep_hash, kept_hash

_FILES = "*.safetensors"


@dataclass(frozen=True)
class StoredTensors:
    """What the headers of a folder's safetensors files say.

    Attributes:
        count: Numbers in all tensors together.
        dtype: The precision that most of them are in, as safetensors writes it: ``BF16``.
    """

    count: int
    dtype: str


def weights_hash(folder: Path) -> str:
    """Returns the SHA-256 over the names and contents of a folder's safetensors files.

    Large files are not read again as long as nobody wrote to them: :mod:`.kept_hashes`.
    """
    return _hash_of(folder, tuple(map(FileFacts.of, sorted(folder.glob(_FILES)))))


# Once in a process, whatever their size.
@lru_cache(maxsize=64)
def _hash_of(folder: Path, files: tuple[FileFacts, ...]) -> str:
    known = kept_hash(folder, files)
    if known is not None:
        return known
    began, total = time.time(), hashlib.sha256()
    for one in files:
        total.update(one.name.encode())
        with (folder / one.name).open("rb") as file:
            while chunk := file.read(1 << 20):
                total.update(chunk)
    keep_hash(folder, files, total.hexdigest(), began=began)
    return total.hexdigest()


def parameter_count(folder: Path) -> int:
    """Returns how many numbers a folder's safetensors files hold, read from their headers alone.

    Raises:
        OSError: A file cannot be read.
        SafetensorError: A file is damaged.
    """
    return sum(_counts(folder).values())


def stored_tensors(folder: Path) -> StoredTensors | None:
    """Returns what the headers say; None where there are no weights or they cannot be read."""
    from safetensors import SafetensorError

    try:
        counts = _counts(folder)
    except (SafetensorError, OSError):
        return None
    if not counts:
        return None
    return StoredTensors(sum(counts.values()), counts.most_common(1)[0][0])


def _counts(folder: Path) -> Counter[str]:
    """How many numbers there are in each precision."""
    from safetensors import safe_open

    counts: Counter[str] = Counter()
    for path in sorted(folder.glob(_FILES)):
        with safe_open(path, framework="numpy") as tensors:
            for name in tensors.keys():  # noqa: SIM118
                tensor = tensors.get_slice(name)
                counts[tensor.get_dtype()] += math.prod(tensor.get_shape())
    return counts
