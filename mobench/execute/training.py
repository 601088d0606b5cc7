"""The training half of a pack: a lane for each cell, adapters kept at every checkpoint, resume."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from safetensors.torch import load_file

from mobench.build.loading import load_model
from mobench.execute.prepare import Prepared
from mobench.lanes import FullLanes, LoraLanes, WholeModel, saved_config, stacked
from mobench.plan import Cell, digest
from mobench.progress import Progress
from mobench.store import CellFolder
from mobench.store.atomic import write_json, write_tensors
from mobench.train.batches import encode
from mobench.train.optimizer import LaneAdamW
from mobench.train.pack import PackState, Recipe, Run, train_pack

Stack = LoraLanes | FullLanes | WholeModel


def stack(ready: Prepared, cells: Sequence[Cell]) -> Stack:
    """The organism with one lane for each cell.

    Raises:
        CannotStack: Several cells, for full fine-tuning of a model whose layers cannot be stacked.
    """
    spec = ready.asked.spec
    model = load_model(ready.built.folder, dtype=spec.dtype, device=ready.asked.device)
    return stacked(
        model,
        cells[0].method,
        [cell.seed for cell in cells],
        rank=cells[0].rank,
        alpha=cells[0].alpha,
    )


def train_cells(
    ready: Prepared, cells: Sequence[Cell], lanes: Stack, progress: Progress
) -> PackState:
    """Trains what is not trained yet. A stopped pack goes on at its last checkpoint."""
    folders = [ready.folder.cell(cell.id) for cell in cells]
    here = ready.folder.pack(pack_id(cells))
    runs = [Run(cell.lr, cell.seed) for cell in cells]
    recipe = Recipe(cells[0].steps, cells[0].batch_size, cells[0].checkpoints)
    optimizer = LaneAdamW(lanes.trainable(), [run.lr for run in runs])
    state = _resume(here, folders, lanes, optimizer)
    spec = ready.asked.spec
    examples = encode(ready.examples, ready.tokenizer, spec.template, spec.ladder.max_length)

    config = saved_config(lanes)

    def keep(_: LaneAdamW, now: PackState) -> None:
        for lane, folder in enumerate(folders):
            if now.diverged[lane] is None and now.step > 0:
                folder.keep_adapter(now.step, lanes.state(lane), config)
        # Moments first, progress last: the progress names a step only once all of it is there.
        write_tensors(here / f"moments-{now.step}.safetensors", optimizer.state())
        write_json(here / "progress.json", asdict(now))
        for old in here.glob("moments-*.safetensors"):
            if old.name != f"moments-{now.step}.safetensors":
                old.unlink()

    with progress.phase(f"training {len(cells)} cells", recipe.steps) as tick:
        tick(state.step)
        return train_pack(
            lanes,
            runs,
            examples,
            recipe,
            pad=ready.tokenizer.pad_token_id,
            optimizer=optimizer,
            state=state,
            keep=keep,
            on_step=lambda _: tick(),
        )


def _resume(
    here: Path, folders: Sequence[CellFolder], lanes: Stack, optimizer: LaneAdamW
) -> PackState:
    """Puts weights and moments back where the pack was stopped."""
    try:
        state = PackState(**json.loads((here / "progress.json").read_text(encoding="utf-8")))
        moments = load_file(here / f"moments-{state.step}.safetensors")
    except (OSError, ValueError, TypeError):
        return PackState.fresh(len(folders))
    for lane, folder in enumerate(folders):
        if state.step > 0 and state.diverged[lane] is None:
            lanes.load(lane, folder.read_adapter(state.step))
    optimizer.load(moments)
    return state


def pack_id(cells: Sequence[Cell]) -> str:
    """Names what a pack keeps while it is at work."""
    return digest([cell.id for cell in cells])
