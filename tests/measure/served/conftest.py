"""A real vLLM, started once for the tests here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.served_model import Served, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as running:
        yield running
