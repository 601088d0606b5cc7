"""A second copy of a run's folder at any place that fsspec reaches: a bucket, a server, a disk.

What is finished is sent while the run goes on, so that a machine that vanishes takes nothing with
it: another one that gives the same command fetches the folder and goes on. Claims stay behind; who
was at work on what means nothing elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

from mobench.assemble.staged_folder import put_in_place, staged_folder
from mobench.errors import MobenchError
from mobench.store.atomic import write_json
from mobench.store.folder import RunFolder

CLOSING = ("kept.jsonl", "trained.json", "result.json", "manifest.json", "score.json")
"""Files whose being there says that others are: sent after them, as they were before these."""

SENT = ".copied.json"
"""What was sent where, in the run's folder and not in its copy."""

Mark = list[int]
"""Length and time of a file."""


@dataclass(frozen=True)
class RunCopy:
    """A run's folder and its copy.

    Attributes:
        folder: The run's folder.
        url: The place that holds copies of run folders, such as ``s3://bucket/runs``.
        every: Seconds between two looks at what is new.
    """

    folder: RunFolder
    url: str
    every: float = 30.0

    def fetch(self) -> bool:
        """Fetches the copy where the run's folder is not there yet.

        Returns:
            Whether there was one.

        Raises:
            MobenchError: The place cannot be reached.
        """
        if self.folder.path.exists():
            return False
        with _told(self.url):
            store, there = self._store()
            names = [name[len(there) + 1 :] for name in _files(store, there)]
            if "manifest.json" not in names:
                return False
            with staged_folder(self.folder.path) as staging:
                for name in names:
                    target = staging / _below(name)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    store.get_file(f"{there}/{name}", str(target))
                put_in_place(staging, self.folder.path, lambda _: None)
            self._remember(self._marks())
        return True

    def send(self) -> int:
        """Sends what is new or changed since it was last sent, and removes what is gone.

        Returns:
            How many files were sent.

        Raises:
            MobenchError: The place cannot be reached, or takes nothing.
        """
        with _told(self.url):
            store, there = self._store()
            # What closes is read first: then all that it tells of is there when it is sent.
            marks, closing = self._marks(), {}
            for name in [name for name in marks if Path(name).name in CLOSING]:
                closing[name] = self._read(name)
            sent = self._remembered()
            new = [name for name, mark in marks.items() if sent.get(name) != mark]
            others = [name for name in new if name not in closing]
            for name in others:
                store.makedirs(_parent(f"{there}/{name}"), exist_ok=True)
                try:
                    store.put_file(str(self.folder.path / name), f"{there}/{name}")
                except FileNotFoundError:
                    if (self.folder.path / name).exists():
                        raise
                    marks.pop(name)  # gone since
            for name in [name for name in new if closing.get(name) is not None]:
                store.makedirs(_parent(f"{there}/{name}"), exist_ok=True)
                store.pipe_file(f"{there}/{name}", closing[name])
            for path in _files(store, there):
                if path[len(there) + 1 :] not in marks:
                    store.rm_file(path)
            self._remember(marks)
        return len(new)

    @contextmanager
    def sending(self, warn: Callable[[str], None]) -> Iterator[None]:
        """Sends again and again while the block runs, and once more when it ends, however it does.

        Args:
            warn: Told once that the place does not take anything; it is tried again.

        Raises:
            MobenchError: The last sending failed after a block that went well.
        """
        ended, told = Event(), Event()

        def keep_sending() -> None:
            while not ended.wait(self.every):
                try:
                    self.send()
                except MobenchError as error:
                    if not told.is_set():
                        warn(f"{error.fact}; it is tried again")
                    told.set()

        sender = Thread(target=keep_sending, daemon=True, name="sends a run's folder")
        sender.start()
        try:
            yield
        except BaseException:
            ended.set()
            sender.join()
            try:
                self.send()
            except MobenchError as error:
                warn(error.fact)
            raise
        ended.set()
        sender.join()
        self.send()

    def _marks(self) -> dict[str, Mark]:
        """What is to be there: every file's name below the folder with its length and time."""
        found: dict[str, Mark] = {}
        root = self.folder.path
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root)
            hidden = any(part.startswith(".") for part in name.parts)
            if hidden or name.parts[0] == self.folder.claims().name or path.is_symlink():
                continue
            try:
                if path.is_file():
                    status = path.stat()
                    found[name.as_posix()] = [status.st_size, status.st_mtime_ns]
            except FileNotFoundError:
                continue
        return found

    def _remembered(self) -> Mapping[str, Any]:
        """What was sent to this place, as far as is known."""
        try:
            record = json.loads((self.folder.path / SENT).read_bytes())
        except (OSError, ValueError):
            return {}
        known = record.get(self.url) if isinstance(record, dict) else None
        return known if isinstance(known, dict) else {}

    def _remember(self, marks: Mapping[str, Mark]) -> None:
        write_json(self.folder.path / SENT, {self.url: marks})

    def _read(self, name: str) -> bytes | None:
        try:
            return (self.folder.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def _store(self) -> tuple[Any, str]:
        """The file system, and the copy's path there."""
        from fsspec.core import url_to_fs

        store, root = url_to_fs(self.url, use_listings_cache=False)
        return store, f"{str(root).rstrip('/')}/{self.folder.path.name}"


def _files(store: Any, there: str) -> list[str]:
    """Paths of all files of a copy; none where there is no copy."""
    try:
        return [str(path) for path in store.find(there)]
    except FileNotFoundError:
        return []


def _parent(path: str) -> str:
    return path.rsplit("/", 1)[0]


def _below(name: str) -> Path:
    """A name as a path that stays inside the folder.

    Raises:
        ValueError: It would lead out of it.
    """
    path = Path(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"a file is called {name!r}")
    return path


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Turns what a store raises into a message that names the place."""
    try:
        yield
    except MobenchError:
        raise
    except ImportError as error:
        raise MobenchError(
            f"{url} needs a package that is not installed: {error}",
            "install it: s3fs for s3://, gcsfs for gs://, adlfs for az://",
        ) from error
    except Exception as error:  # every store has errors of its own
        raise MobenchError(
            f"the run's folder cannot be copied to {url}: {type(error).__name__}: {error}",
            "what was measured stays in the run's folder; look at the address and the access that "
            "its store asks for, and give the same command again",
        ) from error
