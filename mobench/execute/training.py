"""The training half of a pack: a lane for each cell, adapters kept at every checkpoint, resume."""

from __future__ import annotations

from collections.abc import Sequence

from mobench.assemble.loading import load_model
from mobench.execute.prepare import Prepared
from mobench.execute.resume import forget_trained, keep_state, resume
from mobench.lanes import FullLanes, LoraLanes, WholeModel, saved_config, stacked
from mobench.plan.cells import Cell
from mobench.plan.packing import Fit
from mobench.progress import Progress
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
    ready: Prepared, cells: Sequence[Cell], lanes: Stack, fit: Fit, progress: Progress
) -> None:
    """Trains cells to their end. A stopped pack goes on at its last checkpoint.

    Args:
        ready: The ladder.
        cells: One for each lane; none of them trained.
        lanes: From :func:`stack`.
        fit: How a step is made to fit into memory.
        progress: Where progress is shown.
    """
    folders = [ready.folder.cell(cell.id) for cell in cells]
    runs = [Run(cell.lr, cell.seed) for cell in cells]
    recipe = Recipe(
        cells[0].steps,
        cells[0].batch_size,
        cells[0].checkpoints,
        micro_batch=fit.micro_batch,
        recompute=fit.recompute,
    )
    optimizer = LaneAdamW(lanes.trainable(), [run.lr for run in runs])
    state = resume(ready.folder, cells, lanes, optimizer)
    spec = ready.asked.spec
    examples = encode(ready.examples, ready.tokenizer, spec.template, spec.ladder.max_length)
    config = saved_config(lanes)

    def keep(_: LaneAdamW, now: PackState) -> None:
        for lane, folder in enumerate(folders):
            if now.diverged[lane] is None and now.step > 0:
                folder.keep_adapter(now.step, lanes.state(lane), config)
        keep_state(ready.folder, cells, optimizer, now)

    with progress.phase(f"training {len(cells)} cells", recipe.steps) as tick:
        tick(state.step)
        state = train_pack(
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
    for lane, folder in enumerate(folders):
        folder.finish_training(state.diverged[lane], state.losses[lane])
    forget_trained(ready.folder)
