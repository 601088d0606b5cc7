"""A real disk of a few megabytes, which a test can fill."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import NoReturn

import pytest

MEGABYTES = 300
"""More than a small run takes."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own in memory; skipped where this user may mount none."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("this user may not mount a file system")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Fills a disk to its last byte.

    Returns:
        The file that does; without it the disk has room again.
    """
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with pytest.raises(OSError, match="No space left"):
                _write_on(file, os.urandom(size))
    return filler


def _write_on(file: FileIO, block: bytes) -> NoReturn:
    while True:
        file.write(block)
