"""A judge on the loopback, and a rubric to ask it with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.judge_standin import JudgeServer, judge_server

from mobench.registry import Rubric, collect

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Iterator[JudgeServer]:
    # A proxy that this machine may have is none of the loopback's.
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("MOBENCH_JUDGE_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with judge_server() as running:
        yield running


@pytest.fixture(scope="session")
def rubrics() -> dict[str, Rubric]:
    """Those that mobench ships."""
    return dict(collect(REPOSITORY).rubrics)
