"""Where organisms are built, once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of built organisms."""
    return tmp_path_factory.mktemp("cache")
