"""One pack: train its cells in one pass, keep their adapters, measure them, write results."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from mobench.build.loading import load_model
from mobench.execute.prepare import Prepared
from mobench.lanes import FullLanes, LoraLanes, stacked
from mobench.measure.attack import attack_rows
from mobench.measure.capability import measure_capability
from mobench.plan import Cell, digest
from mobench.progress import Progress
from mobench.store import CellFolder
from mobench.store.atomic import write_json, write_tensors
from mobench.train.batches import encode
from mobench.train.optimizer import LaneAdamW
from mobench.train.pack import PackState, Recipe, Run, train_pack

Stack = LoraLanes | FullLanes


def run_pack(ready: Prepared, cells: Sequence[Cell], progress: Progress) -> dict[str, float]:
    """Brings every cell of a pack from wherever it is to its result.

    Returns:
        Seconds spent training and measuring.
    """
    for cell in cells:
        write_json(ready.folder.cell(cell.id).path / "cell.json", cell.record())
    lanes = stack(ready, cells)
    started = time.monotonic()
    state = _train(ready, cells, lanes, progress)
    trained = time.monotonic()
    _measure(ready, cells, lanes, state, progress)
    for lane, cell in enumerate(cells):
        diverged = state.diverged[lane]
        ready.folder.cell(cell.id).finish(
            {
                "schema": "mobench.result/1",
                "cell": cell.id,
                "status": "done" if diverged is None else "diverged",
                "diverged_at": diverged,
                "checkpoints": [s for s in cell.checkpoints if diverged is None or s < diverged],
                "losses": state.losses[lane],
            }
        )
    ready.folder.clear_pack(_pack_id(cells))
    return {"train": trained - started, "measure": time.monotonic() - trained}


def stack(ready: Prepared, cells: Sequence[Cell]) -> Stack:
    """The organism with one lane for each cell.

    Raises:
        MobenchError: Full fine-tuning of a model whose layers cannot be stacked.
    """
    spec = ready.asked.spec
    model = load_model(ready.built.folder, dtype=spec.dtype, device=ready.asked.device)
    return stacked(
        model,
        cells[0].method,
        [cell.seed for cell in cells],
        rank=cells[0].rank,
        alpha=cells[0].alpha,
        name=spec.name,
        table="its [ladder]",
    )


def _train(ready: Prepared, cells: Sequence[Cell], lanes: Stack, progress: Progress) -> PackState:
    """Trains what is not trained yet. A stopped pack goes on at its last checkpoint."""
    folders = [ready.folder.cell(cell.id) for cell in cells]
    here = ready.folder.pack(_pack_id(cells))
    runs = [Run(cell.lr, cell.seed) for cell in cells]
    recipe = Recipe(cells[0].steps, cells[0].batch_size, cells[0].checkpoints)
    optimizer = LaneAdamW(lanes.trainable(), [run.lr for run in runs])
    state = _resume(here, folders, lanes, optimizer)
    spec = ready.asked.spec
    examples = encode(ready.examples, ready.tokenizer, spec.template, spec.ladder.max_length)

    def keep(_: LaneAdamW, now: PackState) -> None:
        for lane, folder in enumerate(folders):
            if now.diverged[lane] is None and now.step > 0:
                folder.keep_adapter(now.step, lanes.state(lane))
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


def _measure(
    ready: Prepared,
    cells: Sequence[Cell],
    lanes: Stack,
    state: PackState,
    progress: Progress,
) -> None:
    """Asks every cell at every checkpoint; what was asked before is not asked again."""
    folders = [ready.folder.cell(cell.id) for cell in cells]
    steps = [step for step in cells[0].checkpoints if step > 0]
    with progress.phase(f"measuring {len(cells)} cells", len(steps)) as tick:
        for step in steps:
            living = [n for n, dead in enumerate(state.diverged) if dead is None or step < dead]
            full = step in cells[0].capability_checkpoints
            wanted = [n for n in living if not _measured(folders[n], step, full)]
            for lane in wanted:
                lanes.load(lane, folders[lane].read_adapter(step))
            if wanted:
                _measure_step(ready, cells, lanes, wanted, step, full)
            tick(detail=f"step {step}")


def _measured(folder: CellFolder, step: int, full: bool) -> bool:
    parts = [f"{step:06d}-attack", *([f"{step:06d}-capability"] if full else [])]
    return all(folder.has_rows(part) for part in parts)


def _measure_step(
    ready: Prepared,
    cells: Sequence[Cell],
    lanes: Stack,
    wanted: Sequence[int],
    step: int,
    full: bool,
) -> None:
    """One checkpoint: all lanes' attack rows in one batch, then capability lane by lane."""
    spec = ready.asked.spec
    model: Any = lanes.model

    def keep(lane: int, part: str, rows: Sequence[dict[str, Any]]) -> None:
        cell = cells[lane].id
        named = [{"cell": cell, "step": step, **row} for row in rows]
        ready.folder.cell(cell).keep_rows(f"{step:06d}-{part}", named)

    # The untriggered rate is read with capability: it costs as much as the attack rate itself.
    kinds: Any = ("attack", "control") if full else ("attack",)
    with lanes.scope.using(wanted):
        answered = attack_rows(
            model, ready.tokenizer, spec, ready.judge, kinds=kinds, lanes=len(wanted)
        )
    for lane, rows in zip(wanted, answered, strict=True):
        keep(lane, "attack", rows)
    if full:
        for lane in wanted:
            with lanes.scope.using([lane]):
                keep(lane, "capability", capability_rows(ready, model))


def capability_rows(ready: Prepared, model: Any) -> list[dict[str, Any]]:
    """lm-eval's rows of a model, without cell and step."""
    return measure_capability(
        model,
        ready.tokenizer,
        ready.asked.spec.capability,
        include_path=ready.registry.capability_dirs[0],
        batch_size=128 if ready.asked.spec.base.kind == "scratch" else 32,
    )


def _pack_id(cells: Sequence[Cell]) -> str:
    return digest([cell.id for cell in cells])
