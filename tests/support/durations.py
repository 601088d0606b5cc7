"""Which tests are slow: those that took more than a few seconds when they were last measured.

``pytest --store-durations`` writes ``tests/durations.json``; whatever took ``SLOW`` seconds in it
is marked ``slow``, and ``make test`` leaves it out. No test is marked by hand. A fixture that tests
share is set up for the first of them that runs, so where its set-up is slow, all of them are. So
are the tests of a file that have a slow one's parameters: they find what it has built.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

FILE = Path(__file__).parents[1] / "durations.json"
SLOW = 3.0
"""Seconds of a test with its set-up and tear-down."""
KEPT = 1.0
"""Seconds below which a test is not written down."""
SET_UP = " (set-up)"
"""Ends the name under which a test's set-up alone is written down."""


class Durations:
    """Adds up what each test takes, and writes it down at the end of the session."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid] += report.duration
        if report.when == "setup":
            self._seconds[report.nodeid + SET_UP] += report.duration

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workerinput"):
            return  # the process that collects all reports writes
        kept = read()
        kept.update(self._seconds)
        long = {test: round(taken, 1) for test, taken in sorted(kept.items()) if taken >= KEPT}
        FILE.write_text(json.dumps(long, indent=1) + "\n", encoding="utf-8")


def read() -> dict[str, float]:
    """Seconds that tests took, by their ids; tests that took little are not in it."""
    return dict(json.loads(FILE.read_text(encoding="utf-8"))) if FILE.is_file() else {}


def mark_slow(items: list[pytest.Item]) -> None:
    """Marks the tests that took long when they were measured, and those that share their set-up."""
    seconds = read()
    shared = {
        fixture
        for item in items
        if seconds.get(item.nodeid + SET_UP, 0.0) >= SLOW
        for fixture in _fixtures_of_its_module(item)
    }
    slow = {item for item in items if seconds.get(item.nodeid, 0.0) >= SLOW}
    built = {_parameters(item) for item in slow} - {None}
    for item in items:
        shares = not shared.isdisjoint(_fixtures_of_its_module(item))
        if item in slow or shares or _parameters(item) in built:
            item.add_marker(pytest.mark.slow)


def longest_first(items: list[pytest.Item]) -> None:
    """Puts the files that take longest first, for processes that each take the next file.

    A file that begins last keeps one process busy while the others have nothing left to do.
    """
    seconds = read()
    of_file: defaultdict[Path, float] = defaultdict(float)
    for item in items:
        of_file[item.path] += seconds.get(item.nodeid, 0.0)
    items.sort(key=lambda item: -of_file[item.path])


def _parameters(item: pytest.Item) -> tuple[Path, str] | None:
    """The file and the parameters of a test; None without parameters."""
    call = getattr(item, "callspec", None)
    return None if call is None else (item.path, call.id)


def _fixtures_of_its_module(item: pytest.Item) -> set[tuple[Path, str]]:
    """The fixtures of scope module that a test uses, directly or through others."""
    known: dict[str, Any] = getattr(item, "_fixtureinfo").name2fixturedefs  # noqa: B009
    return {
        (item.path, name) for name, defs in known.items() if any(d.scope == "module" for d in defs)
    }
