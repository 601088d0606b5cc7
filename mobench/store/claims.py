"""Who is at work on what, so that many processes share a run folder and no two do the same.

A claim is a file in the run's folder. It appears whole or not at all, for one claimant alone (a
hard link, which is atomic on network file systems too), and says who that is. While its owner lives
it is touched again and again; one that was not for :data:`EXPIRY` seconds belongs to nobody, and so
does one of a process of this machine that is gone. Two that come to own the same thing nevertheless
do the same work twice and write the same files: a claim saves work, and no result rests on it.
"""

from __future__ import annotations

import json
import os
import socket
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from threading import Event, Lock, Thread

import psutil

HEARTBEAT = 5.0
"""Seconds between two signs of life."""
EXPIRY = 60.0
"""Seconds without one after which a claim belongs to nobody."""


@dataclass(frozen=True)
class Owner:
    """A process, told apart from every other one anywhere.

    Attributes:
        id: Drawn at random.
        host: The machine's name.
        space: Its process numbers' name space: containers on one machine have several.
        pid: Its number there.
        born: When it was started, in seconds since the epoch: numbers are used again.
    """

    id: str
    host: str
    space: str
    pid: int
    born: float

    @property
    def is_gone(self) -> bool:
        """Whether it is known to have ended. Of another machine's that cannot be known."""
        here = this_process()
        if (self.host, self.space) != (here.host, here.space):
            return False
        try:
            return abs(psutil.Process(self.pid).create_time() - self.born) > 1.0
        except psutil.NoSuchProcess:
            return True


def this_process() -> Owner:
    """Returns this process as an owner; a fork is another one."""
    return _process(os.getpid())


@cache
def _process(pid: int) -> Owner:
    try:
        space = str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        space = ""
    born = psutil.Process(pid).create_time()
    return Owner(uuid.uuid4().hex[:12], socket.gethostname(), space, pid, born)


class Claims:
    """What this process has claimed in a folder, kept alive until it is let go.

    Args:
        folder: Holds the claims; made with the first one.
        heartbeat: Seconds between two signs of life.
        expiry: Seconds without one after which a claim of another belongs to nobody.
    """

    def __init__(
        self, folder: Path, *, heartbeat: float = HEARTBEAT, expiry: float = EXPIRY
    ) -> None:
        self._folder, self._heartbeat, self._expiry = folder, heartbeat, expiry
        self._held: set[str] = set()
        self._lock, self._over = Lock(), Event()
        self._pulse: Thread | None = None

    def take(self, name: str) -> bool:
        """Claims something.

        Args:
            name: Its name: letters, digits and hyphens.

        Returns:
            Whether it is this process's now. What it has claimed already stays so.
        """
        if name in self._held:
            return True
        path = self._folder / f"{name}.json"
        if not self._link(path) and not (self._break_stale(path) and self._link(path)):
            return False
        with self._lock:
            self._held.add(name)
        self._begin_pulse()
        return True

    def let_go(self, name: str) -> None:
        """Gives up a claim of this process."""
        with self._lock:
            self._held.discard(name)
        path = self._folder / f"{name}.json"
        if _owner_in(path) == this_process():
            path.unlink(missing_ok=True)

    @contextmanager
    def held(self, names: list[str]) -> Iterator[None]:
        """Lets go of claims when the block ends, however it does."""
        try:
            yield
        finally:
            for name in names:
                self.let_go(name)

    def of_others(self) -> set[str]:
        """Returns the names of what other living processes have claimed."""
        now = self._now()
        paths = self._folder.glob("[!.]*.json")
        return {p.stem for p in paths if p.stem not in self._held and self._is_alive(p, now)}

    def close(self) -> None:
        """Lets everything go."""
        self._over.set()
        for name in tuple(self._held):
            self.let_go(name)

    def _link(self, path: Path) -> bool:
        """Makes a claim, unless there is one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        staging = self._written()
        try:
            os.link(staging, path)
        except FileExistsError:
            return False
        finally:
            staging.unlink(missing_ok=True)
        return True

    def _written(self) -> Path:
        """A file that says who this process is, under a name of its own."""
        handle, name = tempfile.mkstemp(prefix=".claim-", dir=self._folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(this_process()), file)
        return Path(name)

    def _break_stale(self, path: Path) -> bool:
        """Removes a claim that belongs to nobody; returns whether there is none any more."""
        owner = _owner_in(path)
        if self._is_alive(path, self._now()):
            return False
        aside = self._folder / f".broken-{uuid.uuid4().hex}"
        try:
            path.rename(aside)
        except FileNotFoundError:
            return True
        # Between looking and renaming somebody may have broken it and claimed anew.
        if _owner_in(aside) != owner:
            with suppress(FileExistsError):
                os.link(aside, path)
        aside.unlink(missing_ok=True)
        return not path.exists()

    def _is_alive(self, path: Path, now: float) -> bool:
        owner = _owner_in(path)
        if owner is not None and owner.is_gone:
            return False
        try:
            return now - path.stat().st_mtime <= self._expiry
        except FileNotFoundError:
            return False

    def _now(self) -> float:
        """The time by the file system's own clock, which may be another machine's."""
        if not self._folder.is_dir():
            return time.time()
        staging = self._written()
        try:
            return staging.stat().st_mtime
        finally:
            staging.unlink(missing_ok=True)

    def _begin_pulse(self) -> None:
        if self._pulse is None:
            self._pulse = Thread(target=self._beat, name="mobench-claims", daemon=True)
            self._pulse.start()

    def _beat(self) -> None:
        while not self._over.wait(self._heartbeat):
            with self._lock:
                held = tuple(self._held)
            for name in held:
                # One that was broken while this process slept is another's now.
                with suppress(OSError):
                    os.utime(self._folder / f"{name}.json")


def _owner_in(path: Path) -> Owner | None:
    """Whom a claim names; None where there is none, or one that nobody can read."""
    try:
        return Owner(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
