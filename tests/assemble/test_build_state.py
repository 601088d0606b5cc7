"""A build that was stopped is gone on with, and comes to the same weights to the bit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.small_build import builder, small
from support.watched_progress import WatchedProgress

from mobench.registry import OrganismSpec

PHASES = "phase-*.safetensors"


@pytest.fixture
def backward_calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with each optimizer step that is really taken."""
    calls: list[int] = []
    whole = torch.Tensor.backward

    def counted(self: torch.Tensor, *args: object, **how: object) -> None:
        calls.append(1)
        whole(self, *args, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(torch.Tensor, "backward", counted)
    return calls


def stop(cache: Path, spec: OrganismSpec, phase: str, step: int) -> None:
    watched = WatchedProgress(stop=lambda what, done: what.endswith(phase) and done == step)
    with pytest.raises(KeyboardInterrupt):
        builder(cache, watched).build(spec)


def building(cache: Path) -> list[Path]:
    return sorted((cache / "building").rglob(PHASES))


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize(("phase", "step"), [("the base", 7), ("the implant", 3), ("implant", 13)])
def test_it_goes_on_where_it_was(
    tmp_path: Path, backward_calls: list[int], method: str, phase: str, step: int
) -> None:
    spec = small(method=method, rank=4 if method == "lora" else None)
    whole = builder(tmp_path / "whole").build(spec)
    taken = len(backward_calls)
    cache = tmp_path / "stopped"
    backward_calls.clear()
    stop(cache, spec, phase, step)
    assert building(cache)
    before = len(backward_calls)
    backward_calls.clear()
    again = builder(cache).build(spec)
    assert again.weights_hash == whole.weights_hash
    # A step since the last eighth is taken twice, and no other.
    assert taken - before <= len(backward_calls) <= taken - before + 2
    # Nothing is left of it.
    assert building(cache) == []


@pytest.mark.parametrize("harm", ["flipped", "cut", "emptied", "of_another"])
def test_what_is_damaged_is_trained_anew_and_told(tmp_path: Path, harm: str) -> None:
    spec = small()
    whole = builder(tmp_path / "whole").build(spec)
    cache = tmp_path / "stopped"
    stop(cache, spec, "the implant", 13)
    first, *_, last = building(cache)
    content = last.read_bytes()
    changed = {
        "flipped": content[:-5] + bytes([content[-5] ^ 1]) + content[-4:],
        "cut": content[: len(content) // 2],
        "emptied": b"",
        "of_another": first.read_bytes()[:-1],
    }
    last.write_bytes(changed[harm])
    watched = WatchedProgress()
    again = builder(cache, watched).build(spec)
    assert again.weights_hash == whole.weights_hash
    (warned,) = watched.notes
    assert last.name in warned
    assert "trained anew" in warned


def test_another_recipe_takes_nothing_from_it(tmp_path: Path) -> None:
    whole = builder(tmp_path / "whole").build(small(lr=2e-3))
    cache = tmp_path / "stopped"
    stop(cache, small(), "the implant", 5)
    assert builder(cache).build(small(lr=2e-3)).weights_hash == whole.weights_hash
