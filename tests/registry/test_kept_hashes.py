"""Large weights are hashed once, and again whenever anything of them has changed."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mobench.registry.kept_hashes import LARGE, PLACE, FileFacts, kept_hash
from mobench.registry.weights_files import _hash_of, weights_hash

Change = Callable[[Path], None]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MOBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def weights(tmp_path: Path, cache: Path) -> Path:
    """A folder with one large file, which takes no room on the disk, hashed once."""
    folder = tmp_path / "model"
    folder.mkdir()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(b"weights")
        file.truncate(LARGE)
    time.sleep(2.1)  # what was just written may be written again within a tick
    weights_hash(folder)
    return folder


def kept(folder: Path) -> str | None:
    return kept_hash(folder, tuple(map(FileFacts.of, sorted(folder.glob("*.safetensors")))))


def overwrite(path: Path) -> None:
    """One byte in place, with the time that the file had."""
    status = path.stat()
    with path.open("r+b") as file:
        file.write(b"W")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def replace(path: Path) -> None:
    """Another file of the same size and time."""
    status, other = path.stat(), path.with_name("other")
    with other.open("wb") as file:
        file.truncate(status.st_size)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


def rename(path: Path) -> None:
    path.rename(path.with_name("other.safetensors"))


def another(path: Path) -> None:
    path.with_name("more.safetensors").write_bytes(b"more")


def test_what_was_hashed_once_is_known_to_the_next_process_without_reading(weights: Path) -> None:
    right = hashlib.sha256(b"model.safetensors")
    with (weights / "model.safetensors").open("rb") as file:
        while chunk := file.read(1 << 20):
            right.update(chunk)
    assert kept(weights) == right.hexdigest() == weights_hash(weights)
    _hash_of.cache_clear()  # as in another process
    began = time.process_time()
    assert weights_hash(weights) == right.hexdigest()
    assert time.process_time() - began < 0.05


@pytest.mark.parametrize("change", [overwrite, replace, rename, another])
def test_whatever_has_changed_is_hashed_again(change: Change, weights: Path) -> None:
    before = weights_hash(weights)
    change(weights / "model.safetensors")
    assert kept(weights) is None
    assert weights_hash(weights) != before


def test_a_kept_hash_that_is_damaged_is_made_again(weights: Path, cache: Path) -> None:
    before = weights_hash(weights)
    (file,) = (cache / PLACE).iterdir()
    for text in ("", "{}", "[]", '{"files": 3}'):
        file.write_text(text)
        _hash_of.cache_clear()
        assert weights_hash(weights) == before
        assert kept(weights) == before


def test_small_weights_and_those_just_written_are_read_each_time(
    tmp_path: Path, cache: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    (small / "model.safetensors").write_bytes(b"weights")
    large = tmp_path / "large"
    large.mkdir()
    with (large / "model.safetensors").open("wb") as file:
        file.truncate(LARGE)
    weights_hash(large)
    os.utime(small / "model.safetensors", (1, 1))
    weights_hash(small)
    assert not cache.exists()


def test_a_cache_that_cannot_be_written_to_costs_time_and_nothing_else(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = weights_hash(weights)
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("MOBENCH_CACHE", str(tmp_path / "file"))
    _hash_of.cache_clear()
    assert weights_hash(weights) == before
