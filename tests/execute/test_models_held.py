"""One model at a time is in memory from where a run measures and trains: a GPU holds no two."""

from __future__ import annotations

import weakref

import torch
from support.forward_passes import each_forward_pass
from support.run_tree import Runs
from support.watched_progress import WatchedProgress
from torch import nn

PHASES = ("measuring", "training")


def test_a_model_is_gone_before_the_next_one_is_asked_or_trained(run_shown: Runs) -> None:
    progress = WatchedProgress()
    models: dict[int, weakref.ref[nn.Module]] = {}
    held: dict[str, int] = {}

    def look(embedding: nn.Module, _: torch.Tensor) -> None:
        models[id(embedding)] = weakref.ref(embedding)
        phase = progress.open[-1] if progress.open else ""
        if phase.startswith(PHASES):
            alive = sum(model() is not None for model in models.values())
            held[phase] = max(held.get(phase, 0), alive)

    with each_forward_pass(look):
        run_shown(progress)
    assert {"measuring the organism before training", "measuring the base before training"} & set(
        held
    )
    assert any(phase.startswith("training") for phase in held)
    assert set(held.values()) == {1}, held
