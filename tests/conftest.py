"""What tests of several rooms share."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.durations import Durations, longest_first, mark_slow
from support.hub_standin import Hub, running_hub

# Whoever starts the tests in the background may have them ignore it, and processes inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
# What a command prints is compared; a slow machine adds lines of progress. Their own tests set it.
os.environ["MOBENCH_PROGRESS_SECONDS"] = "0"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--store-durations",
        action="store_true",
        help="Write what each test took into tests/durations.json.",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--store-durations"):
        config.pluginmanager.register(Durations())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    mark_slow(items)
    if hasattr(config, "workerinput"):
        longest_first(items)


@pytest.fixture(scope="module", autouse=True)
def _what_is_there_already_is_not_searched_for_garbage() -> None:
    """Late in a process a full collection takes a second, and libraries ask for hundreds."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_terminal_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are as wide as they are; engines that some tests start leave a width behind."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of built organisms, one for all processes of the session: each is built once."""
    base = tmp_path_factory.getbasetemp()
    # Each process has a folder of its own, beside those of the others.
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "organisms"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A model hub on the loopback, which is the only one that the test can reach."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    # Whoever runs the tests may be logged in to the real hub.
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with running_hub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running
