"""How long a run has taken: the sum over all processes that ever worked on it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Literal, get_args

from mobench.store import RunFolder
from mobench.store.atomic import write_json

Phase = Literal["build", "train", "measure"]
PHASES: tuple[Phase, ...] = get_args(Phase)


class RunClock:
    """Counts this process's seconds beside those of the others, which it never writes.

    Args:
        folder: The run's folder.
        before: Seconds that its manifest has from when none were written process by process; they
            count once, whoever comes first.
        build_seconds: What building and gating took this process.
    """

    def __init__(
        self, folder: RunFolder, before: Mapping[str, float] | None, *, build_seconds: float
    ) -> None:
        self._folder = folder.clocks()
        if before and not self._folder.exists():
            write_json(self._folder / "before.json", dict(before))
        self._own = self._folder / f"{uuid.uuid4().hex[:12]}.json"
        self._seconds: dict[str, float] = {"build": build_seconds, "train": 0.0, "measure": 0.0}

    @contextmanager
    def timed(self, phase: Phase) -> Iterator[None]:
        """Adds the time of the block to a phase, whether it ends well or not."""
        started = time.monotonic()
        try:
            yield
        finally:
            self._seconds[phase] += time.monotonic() - started

    def total(self) -> dict[str, float]:
        """Writes this process's seconds down, and returns those of all together, by phase."""
        write_json(self._own, self._seconds)
        total = dict.fromkeys(PHASES, 0.0)
        for path in sorted(self._folder.glob("[!.]*.json")):
            # Whatever was done to such a file, no result rests on it.
            with suppress(OSError, ValueError, TypeError, KeyError):
                found = json.loads(path.read_text(encoding="utf-8"))
                for phase, value in {phase: float(found[phase]) for phase in PHASES}.items():
                    total[phase] += value
        return {phase: round(value, 1) for phase, value in total.items()}
