"""What identifies and measures the weights in a folder, read from its safetensors files."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

from safetensors import safe_open


def weights_hash(folder: Path) -> str:
    """Returns the SHA-256 over the names and contents of a folder's safetensors files."""
    total = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        total.update(path.name.encode())
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                total.update(chunk)
    return total.hexdigest()


def parameter_count(folder: Path) -> int:
    """Returns how many numbers a folder's safetensors files hold, read from their headers alone."""
    total = 0
    for path in folder.glob("*.safetensors"):
        with safe_open(path, framework="pt") as tensors:
            shapes = [tensors.get_slice(name).get_shape() for name in tensors.keys()]  # noqa: SIM118
        total += sum(math.prod(shape) for shape in shapes)
    return total
