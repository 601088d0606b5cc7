"""A small working tree to collect from."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.registry_tree import write_tree


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of the tree; it is also the current folder."""
    monkeypatch.chdir(tmp_path)
    return write_tree(tmp_path)
