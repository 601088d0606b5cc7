"""What results gave when they were last recomputed, so that only what changed is recomputed.

A result is believed to give the same again while its files, mobench's own code and the packages
that compute with it are the same, to the byte. What is read back may hold records of mobench and
arrays, and names nothing that could be called.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import pickle  # read back by _Records alone
import platform
import time
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

import mobench
from mobench.publish.submission.findings import board_config
from mobench.publish.submission.intake import MOST_BYTES, folder_problems, read_regular
from mobench.store.atomic import write_with

#: Packages whose version may change a number or a page.
COMPUTE = ("numpy", "scipy", "statsmodels", "pydantic")

#: What was not asked for so long belongs to a board that is gone.
DAYS_KEPT = 30

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class DrawnBefore(Generic[T]):
    """A folder of what results gave; a result that changed takes the place of what it was.

    Attributes:
        folder: Where it is kept.
        kind: What is kept of each result.
    """

    folder: Path
    kind: type[T]

    def read(self, place: Path) -> T | None:
        """What a result gave, if it, the code and the packages are as they were.

        Args:
            place: The result's folder.
        """
        file = self._file(place)
        try:
            head, body = file.read_bytes().split(b"\n", 1)
            if head.decode() != f"{_key(place)} {_digest([body])}":
                return None
            found = _Records(io.BytesIO(body)).load()
        except (OSError, ValueError, EOFError, AttributeError, ImportError, pickle.PickleError):
            return None
        if not isinstance(found, self.kind):
            return None
        file.touch()
        return found

    def keep(self, place: Path, given: T) -> None:
        """Keeps what a result gave. Where nothing can be written, nothing is kept.

        Args:
            place: The result's folder.
            given: What it gave.
        """
        body = pickle.dumps(given, protocol=5)
        try:
            content = f"{_key(place)} {_digest([body])}\n".encode() + body
        except (OSError, ValueError):
            return

        def fill(path: Path) -> None:
            path.write_bytes(content)

        try:
            write_with(self._file(place), fill)
        except OSError:
            return

    def clear_old(self) -> None:
        """Removes what was not asked for in :data:`DAYS_KEPT` days."""
        oldest = time.time() - DAYS_KEPT * 86400
        for file in self.folder.glob("*.drawn"):
            try:
                if file.stat().st_mtime < oldest:
                    file.unlink(missing_ok=True)
            except OSError:
                continue

    def _file(self, place: Path) -> Path:
        return self.folder / f"{_digest([str(place.resolve()).encode()])[:24]}.drawn"


class _Records(pickle.Unpickler):
    """Reads records of mobench and what they are made of; any other name is refused."""

    def find_class(self, module: str, name: str) -> Any:
        """Finds a class that only holds values.

        Raises:
            pickle.UnpicklingError: It is another.
        """
        if (module, name) in _PLAIN:
            return super().find_class(module, name)
        if module.partition(".")[0] == mobench.__name__:
            found = super().find_class(module, name)
            holds_values = dataclasses.is_dataclass(found) or (
                isinstance(found, type) and issubclass(found, BaseModel)
            )
            if isinstance(found, type) and holds_values:
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no record")


_PLAIN = {
    ("builtins", "frozenset"),
    ("builtins", "set"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
    ("pathlib", "PosixPath"),
}


def _key(place: Path) -> str:
    """Everything that decides what a result gives, as one hash.

    Raises:
        ValueError: Something in its folder is not to be read.
    """
    problems = folder_problems(place)
    if problems:
        raise ValueError(problems[0])
    config = board_config(place.parents[3])
    registry = _registry((*config.organisms, *config.tasks))
    parts = [_code().encode(), registry.encode(), *(part.encode() for part in place.parts[-3:])]
    for name, most in MOST_BYTES.items():
        parts += [name.encode(), read_regular(place / name, most)]
    return _digest(parts)


@cache
def _registry(folders: tuple[Path, ...]) -> str:
    """A hash of the organisms and tasks that results are held against."""
    parts = []
    for folder in folders:
        for path in sorted(_files(folder)):
            if path.is_file() and path.suffix != ".pyc":
                parts += [path.relative_to(folder).as_posix().encode(), path.read_bytes()]
    return _digest(parts)


def _files(folder: Path) -> Iterator[Path]:
    """Every file below a folder, also behind links, which a family may lie behind."""
    known = set()
    for place, below, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in known:
            below.clear()
            continue
        known.add(real)
        yield from (Path(place, name) for name in names)


@cache
def _code() -> str:
    """A hash of mobench's code and of what it computes with."""
    here = Path(mobench.__file__).parent
    parts = [" ".join([platform.python_version(), platform.machine()]).encode()]
    parts += [f"{name} {version(name)}".encode() for name in COMPUTE]
    # Among the data is what organisms are asked that name the everyday prompts.
    for path in sorted((*here.rglob("*.py"), *here.rglob("*.jsonl"))):
        parts += [path.relative_to(here).as_posix().encode(), path.read_bytes()]
    return _digest(parts)


def _digest(parts: Iterable[bytes]) -> str:
    """SHA-256 over parts, each told from the next by its length."""
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "big"))
        found.update(part)
    return found.hexdigest()
