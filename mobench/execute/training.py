"""The training half of a pack: a lane for each cell, adapters kept at every checkpoint, resume."""

from __future__ import annotations

from mobench.assemble.loading import load_model
from mobench.execute.arms import Arm
from mobench.execute.resume import forget_trained, keep_state, resume
from mobench.lanes import FullLanes, LoraLanes, WholeModel, saved_config, stacked
from mobench.plan.packing import Packing
from mobench.progress import Progress
from mobench.train.batches import encode
from mobench.train.optimizer import LaneAdamW
from mobench.train.pack import PackState, Recipe, Run, train_pack

Stack = LoraLanes | FullLanes | WholeModel


def stack(arm: Arm) -> Stack:
    """The arm's model with one lane for each of its cells.

    Raises:
        CannotStack: Several cells, for full fine-tuning of a model whose layers cannot be stacked.
    """
    request, cells = arm.ladder.request, arm.cells
    model = load_model(arm.weights, dtype=request.spec.dtype, device=request.device)
    return stacked(
        model,
        cells[0].method,
        [cell.seed for cell in cells],
        rank=cells[0].rank,
        alpha=cells[0].alpha,
    )


def train_cells(arm: Arm, lanes: Stack, packing: Packing, progress: Progress) -> None:
    """Trains an arm's cells to their end. A stopped pack goes on at its last checkpoint.

    Args:
        arm: Cells that are not trained, one for each lane.
        lanes: From :func:`stack`.
        packing: How a step is made to fit into memory.
        progress: Where progress is shown.
    """
    # 1. What is trained, on what, and how.
    cells, ladder = arm.cells, arm.ladder
    folders = [arm.folder(cell) for cell in cells]
    runs = [Run(cell.lr, cell.seed) for cell in cells]
    recipe = Recipe(
        cells[0].steps,
        cells[0].batch_size,
        cells[0].checkpoints,
        micro_batch=packing.micro_batch,
        recompute=packing.recompute,
    )
    chat = ladder.suite.chat
    examples = encode(arm.examples, chat, ladder.suite.spec.ladder.max_length)

    # 2. Go on from the last checkpoint, if there is one.
    optimizer = LaneAdamW(lanes.trainable(), [run.lr for run in runs])
    state = resume(ladder.folder, cells, lanes, optimizer)
    config = saved_config(lanes)

    def keep(_: LaneAdamW, now: PackState) -> None:
        for lane, folder in enumerate(folders):
            if now.diverged[lane] is None and now.step > 0:
                folder.keep_adapter(now.step, lanes.state(lane), config)
        keep_state(ladder.folder, cells, optimizer, now)

    # 3. Train, keeping every checkpoint.
    with progress.phase(f"training {len(cells)} cells", recipe.steps) as tick:
        tick(state.step)
        state = train_pack(
            lanes,
            runs,
            examples,
            recipe,
            pad=chat.pad_id,
            optimizer=optimizer,
            state=state,
            keep=keep,
            on_step=lambda _: tick(),
        )

    # 4. Note how it ended: from here on all adapters are there.
    for lane, folder in enumerate(folders):
        folder.finish_training(state.diverged[lane], state.losses[lane])
    forget_trained(ladder.folder)
