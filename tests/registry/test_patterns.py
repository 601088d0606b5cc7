"""Expressions and templates that somebody else wrote come to an end, and judge as they did."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import signal
import time
from pathlib import Path

import pytest

from mobench.deadline import SECONDS
from mobench.errors import MobenchError
from mobench.registry import collect
from mobench.registry.behaviors import says
from mobench.registry.patterns import compiles, search

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(?i)(?:a*)*b"])
def test_an_expression_that_would_take_for_ever_is_named_within_seconds(pattern: str) -> None:
    started = time.process_time()
    with pytest.raises(MobenchError, match="takes more than 2 seconds") as caught:
        says("a" * 60 + "!", pattern)
    assert time.process_time() - started < SECONDS + 1
    assert pattern in str(caught.value)
    assert "repeats inside of repeats" in caught.value.remedy


def test_nothing_of_the_clock_is_left_behind() -> None:
    before = signal.getsignal(signal.SIGVTALRM)
    for pattern, text in (("a", "b"), ("(a+)+$", "a" * 60 + "!")):
        with contextlib.suppress(MobenchError):
            search(pattern, text)
        assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
        assert signal.getsignal(signal.SIGVTALRM) == before


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", "not a regular expression"),
        ("a{99999999999}", "not a regular expression"),
        ("(?:" * 480 + "a" + ")" * 480, "nested too deeply"),
        ("a" * 2001, "at most 2000 characters"),
    ],
)
def test_an_expression_that_does_not_compile_is_told(pattern: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        compiles(pattern)


def test_every_shipped_expression_judges_committed_answers_as_python_does() -> None:
    registry = collect(ROOT)
    tried = 0
    for name, spec in registry.organisms.items():
        pattern = spec.behavior.args.get("pattern")
        if pattern is None:
            continue
        assert compiles(pattern) == pattern
        for rows in (ROOT / "leaderboard" / "results" / name).glob("*/*/rows.jsonl.gz"):
            lines = gzip.decompress(rows.read_bytes()).decode().splitlines()
            for answer in {json.loads(line).get("answer", "") for line in lines[::50]}:
                assert says(answer, pattern) is (re.search(pattern, answer) is not None)
                tried += 1
    assert tried > 1000
