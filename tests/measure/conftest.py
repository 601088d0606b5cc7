"""Lets the tests here import the tiny models; gives each a folder of capability tasks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from questions import write_tasks

sys.path.insert(0, str(Path(__file__).parents[1]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Task files of its own."""
    return write_tasks(tmp_path / "tasks")
