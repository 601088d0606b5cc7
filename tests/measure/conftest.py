"""Lets the tests here import the tiny models; gives each a folder of capability tasks."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.questions import write_tasks


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Task files of its own."""
    return write_tasks(tmp_path / "tasks")
