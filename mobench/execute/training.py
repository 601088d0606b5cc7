"""The training half of a pack: a lane for each cell, adapters kept at every checkpoint, resume."""

from __future__ import annotations

from collections.abc import Callable

import torch

from mobench.execute.arms import Arm
from mobench.execute.checkpoint_check import next_logits
from mobench.execute.cooldown import awaited_by_cooldown, branch_off, parent_of
from mobench.execute.going_on import keep_ends, shorter_of, take_over
from mobench.execute.held_model import HeldModel
from mobench.execute.lane_clock import LaneClock
from mobench.execute.resume import forget_trained, keep_state, resume
from mobench.execute.reversal import begin_from_parents
from mobench.lanes import Stack, saved_config, stacked
from mobench.measure.eval_suite import EvalSuite
from mobench.plan.packing import Packing
from mobench.progress import Progress
from mobench.train.batches import encode
from mobench.train.optimizer import LaneAdamW
from mobench.train.pack import PackState, Recipe, Run, train_pack
from mobench.train.schedule import cooldown_factor, rate_factor
from mobench.train.token_count import tokens_between


def stack(arm: Arm, held: HeldModel) -> Stack:
    """The arm's model with one lane for each of its cells.

    Args:
        arm: Cells that go together.
        held: Loads the model, where it is not the one that is there.

    Raises:
        CannotStack: Several cells, for full fine-tuning of a model whose layers cannot be stacked.
        MobenchError: LoRA is to adapt modules that the model does not have.
    """
    cells = arm.cells
    return stacked(
        held.get(arm.weights),
        cells[0].method,
        [cell.seed for cell in cells],
        rank=cells[0].rank,
        alpha=cells[0].alpha,
        targets=cells[0].targets,
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
        max_norm=cells[0].max_norm or None,
        micro_batch=packing.micro_batch,
        recompute=packing.recompute,
    )
    chat = ladder.suite.chat
    examples = encode(arm.examples, chat, ladder.suite.spec.ladder.max_length)

    # 2. Go on from the last checkpoint, if there is one; some begin where another cell ended.
    untrained = next_logits(ladder.suite, lanes)
    # Before there is an optimizer: its masters are copies of the weights that training begins from.
    begin_from_parents(arm, lanes)
    optimizer = LaneAdamW(
        lanes.trainable(),
        [run.lr for run in runs],
        betas=cells[0].betas,
        weight_decay=cells[0].weight_decay,
    )
    state = resume(ladder.folder, cells, lanes, optimizer, progress.warn)
    if state.step == 0 and cells[0].arm == "cooldown":
        state = branch_off(arm, lanes, optimizer)
    if state.step == 0:
        shorter = [one for cell in cells if (one := shorter_of(arm, cell)) is not None]
        if len(shorter) == len(cells):
            state = take_over(arm, shorter, lanes, optimizer)
    config = saved_config(lanes)
    clock = LaneClock(len(cells))

    def keep(_: LaneAdamW, now: PackState) -> None:
        _note_movement(now, optimizer, lanes, suite=ladder.suite, untrained=untrained)
        for lane, folder in enumerate(folders):
            if now.diverged[lane] is None and now.step > 0:
                folder.keep_adapter(now.step, lanes.state(lane), config)
        now.seconds += clock.share()
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
            factor=_rate_factor(arm),
        )

    # 4. Note how it ended: from here on all adapters are there.
    keep_ends(arm, awaited_by_cooldown(ladder), optimizer, state)
    state.seconds += clock.share()
    parent = parent_of(arm, cells[0])
    first = 0 if parent is None else parent.steps
    for lane, folder in enumerate(folders):
        end = state.diverged[lane]
        last = recipe.steps if end is None else end
        folder.finish_training(
            {
                "diverged_at": end,
                "losses": state.losses[lane],
                "moved": state.moved[lane],
                "train_tokens": tokens_between(examples, runs[lane], recipe, first, last),
                "train_seconds": round(state.seconds, 3),
            }
        )
    forget_trained(ladder.folder)


def _rate_factor(arm: Arm) -> Callable[[int], float]:
    """How the learning rates of an arm's cells move."""
    cell = arm.cells[0]
    parent = parent_of(arm, cell)
    if parent is not None:
        return cooldown_factor(parent.steps, cell.steps - parent.steps)
    return rate_factor(
        cell.schedule,
        steps=cell.steps,
        warmup_steps=cell.warmup_steps,
        decay_steps=cell.decay_steps,
    )


def _note_movement(
    state: PackState,
    optimizer: LaneAdamW,
    lanes: Stack,
    *,
    suite: EvalSuite,
    untrained: torch.Tensor,
) -> None:
    """Notes which lanes compute something else than before any training.

    Args:
        state: Takes the note.
        optimizer: Knows whose weights changed.
        lanes: The lanes at a checkpoint.
        suite: What they are asked.
        untrained: Their logits before training, [lanes, vocabulary].
    """
    if all(state.moved):
        return
    logits = next_logits(suite, lanes)
    for lane in range(lanes.scope.total):
        if optimizer.changed[lane] and not torch.equal(logits[lane], untrained[lane]):
            state.moved[lane] = True
