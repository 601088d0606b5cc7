"""The ladder as mobench trains it: all runs of a pack in one pass."""

from __future__ import annotations

import copy
import time
from dataclasses import replace

from transformers import PreTrainedModel

from benchmarks.ladder_work import Side, Work, logged, resident_bytes
from mobench.lanes import FullLanes, LoraLanes
from mobench.train.pack import Recipe, train_pack


def train_packed(model: PreTrainedModel, work: Work, pack: int) -> Side:
    """Trains every run of the ladder.

    Args:
        model: The base; copied for each pack.
        work: What to train.
        pack: Runs in one pass, at most.
    """
    seconds = setup = 0.0
    losses: list[tuple[float, ...]] = []
    for start in range(0, len(work.runs), pack):
        part = replace(work, runs=work.runs[start : start + pack])
        began = time.perf_counter()
        lanes = _lanes(copy.deepcopy(model), part)
        ready = time.perf_counter()
        state = train_pack(
            lanes, part.runs, part.examples, Recipe(part.steps, part.batch_size), pad=part.pad
        )
        seconds += time.perf_counter() - ready
        setup += ready - began
        losses += [logged(run, work.steps) for run in state.losses]
    return Side(seconds, setup, tuple(losses), resident_bytes())


def _lanes(model: PreTrainedModel, work: Work) -> LoraLanes | FullLanes:
    if work.method == "full":
        return FullLanes(model, len(work.runs))
    seeds = [run.seed for run in work.runs]
    return LoraLanes(model, seeds, rank=work.rank, alpha=work.alpha)
