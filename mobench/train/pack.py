"""The training loop: many runs at once, with one forward and backward pass per step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from mobench.lanes import Lanes
from mobench.train.batches import Encoded, collate, order
from mobench.train.flat import flattened
from mobench.train.flat_losses import flat_layout, flat_losses
from mobench.train.losses import lane_losses
from mobench.train.optimizer import LaneAdamW
from mobench.train.recompute import recomputing


@dataclass(frozen=True)
class Run:
    """What a run of a pack has for itself."""

    lr: float
    seed: int


@dataclass(frozen=True)
class Recipe:
    """What all runs of a pack have in common.

    Attributes:
        steps: Optimizer steps.
        batch_size: Examples of each run in a step.
        checkpoints: Steps after which ``keep`` is called; 0 is before the first.
        max_norm: The norm that each run's gradient is clipped to, separately from the others; None
            does not clip.
        micro_batch: Examples of each run in a forward pass, all of the batch if None; gradients
            add up over the batch. It changes the memory that a step takes, not its result.
        recompute: Whether activations are recomputed in the backward pass, which saves memory too.
    """

    steps: int
    batch_size: int
    checkpoints: tuple[int, ...] = ()
    max_norm: float | None = 1.0
    micro_batch: int | None = None
    recompute: bool = False


@dataclass
class PackState:
    """How far a pack is. With weights and moments it is enough to resume after a stop.

    Attributes:
        step: Steps done.
        losses: For each lane, its loss at each step (mean over response tokens, nats).
        diverged: For each lane, the step at which its loss or gradient was not finite, or None.
        moved: For each lane, whether any kept checkpoint computes something else than the start.
        seconds: Each lane's share of the time that training has taken, as whoever keeps it notes.
    """

    step: int
    losses: list[list[float]]
    diverged: list[int | None]
    moved: list[bool]
    seconds: float = 0.0

    @classmethod
    def fresh(cls, lanes: int) -> PackState:
        """Returns the state of a pack before its first step."""
        return cls(0, [[] for _ in range(lanes)], [None] * lanes, [False] * lanes)


def train_pack(
    lanes: Lanes,
    runs: Sequence[Run],
    examples: Sequence[Encoded],
    recipe: Recipe,
    *,
    pad: int,
    optimizer: LaneAdamW | None = None,
    state: PackState | None = None,
    keep: Callable[[LaneAdamW, PackState], None] = lambda *_: None,
    on_step: Callable[[int], None] = lambda _: None,
    factor: Callable[[int], float] = lambda _: 1.0,
) -> PackState:
    """Trains every lane with its own learning rate and data order.

    A lane whose loss or gradient is no longer finite keeps its weights from before that step, is
    reported in the state and is not trained further. The other lanes are not affected.

    Args:
        lanes: The stack, one lane for each run.
        runs: Learning rate and seed of each lane.
        examples: The task's examples.
        recipe: What the runs have in common.
        pad: Token id to pad with.
        optimizer: The optimizer of a pack that is resumed; a new one if None.
        state: The state of a pack that is resumed; from the first step if None.
        keep: Called with the optimizer and the state at each of the recipe's checkpoints.
        on_step: Called with the number of steps done.
        factor: Takes a step, counted from 1, and returns the factor of its learning rates, such as
            :func:`mobench.train.schedule.rate_factor` makes. Constant by default, as in the
            experiments that this benchmark replicates.

    Returns:
        The state at the end.
    """
    # 1. Go to where the pack was: each run's batches follow from its seed.
    total = len(runs)
    state = state or PackState.fresh(total)
    optimizer = optimizer or LaneAdamW(lanes.trainable(), [run.lr for run in runs])
    orders = [order(run.seed, len(examples), recipe.batch_size) for run in runs]
    for _ in range(state.step):
        _next_batches(orders)
    if state.step == 0 and 0 in recipe.checkpoints:
        keep(optimizer, state)
    # No dropout: it draws from one random state for all lanes, so a run would not depend on its own
    # seed alone.
    lanes.model.eval()
    peak = optimizer.lrs.clone()
    while state.step < recipe.steps:
        # 2. The next batch of every lane that has not diverged.
        batches = _next_batches(orders)
        living = [lane for lane in range(total) if state.diverged[lane] is None]
        if not living:
            break
        rows = [[examples[number] for number in batches[lane]] for lane in living]
        # 3. Loss and gradients of all lanes.
        with lanes.scope.using(living), recomputing(lanes.model, on=recipe.recompute):
            losses = _accumulate(lanes, rows, recipe.micro_batch or recipe.batch_size, pad)
        state.step += 1
        # 4. One update of each lane, unless this step made it diverge.
        norms = optimizer.norms()
        _mark_diverged(state, living, losses, norms)
        alive = torch.tensor([state.diverged[lane] is None for lane in range(total)])
        optimizer.lrs = peak * factor(state.step)
        optimizer.step(norms, max_norm=recipe.max_norm, alive=alive)
        on_step(state.step)
        if state.step in recipe.checkpoints:
            keep(optimizer, state)
    optimizer.lrs = peak
    return state


def _accumulate(
    lanes: Lanes, rows: Sequence[Sequence[Encoded]], micro_batch: int, pad: int
) -> torch.Tensor:
    """Computes the gradients of a step's batch, which stay on the lanes' parameters.

    Args:
        lanes: The stack; its active lanes are those of the rows.
        rows: The examples of each active lane, equally many for each.
        micro_batch: Examples of each lane in a forward pass.
        pad: Token id to pad with.

    Returns:
        Each lane's loss over its batch, [lanes].
    """
    device = lanes.model.device
    tokens = [sum(len(example.response) for example in lane_rows) for lane_rows in rows]
    counted = torch.tensor(tokens, device=device)
    total = None
    for start in range(0, len(rows[0]), micro_batch):
        part = [lane_rows[start : start + micro_batch] for lane_rows in rows]
        losses = _backward(lanes, part, pad, counted)
        total = losses if total is None else total + losses
    assert total is not None
    return total


def _backward(
    lanes: Lanes, part: Sequence[Sequence[Encoded]], pad: int, counted: torch.Tensor
) -> torch.Tensor:
    """Adds the gradients of a part of the batch and returns its share of each lane's loss."""
    layout = flat_layout(lanes, part, pad)
    if layout is not None:
        with flattened(lanes.model):
            losses = flat_losses(lanes, layout, counted)
            losses.sum().backward()  # type: ignore[no-untyped-call]
            return losses.detach()
    device = lanes.model.device
    ids, labels, shortest = collate([example for lane_rows in part for example in lane_rows], pad)
    losses = lane_losses(lanes, ids.to(device), labels.to(device), shortest, counted)
    losses.sum().backward()  # type: ignore[no-untyped-call]
    return losses.detach()


def _next_batches(orders: Sequence[Iterator[list[int]]]) -> list[list[int]]:
    return [next(batches) for batches in orders]


def _mark_diverged(
    state: PackState, living: Sequence[int], losses: torch.Tensor, norms: torch.Tensor
) -> None:
    """Notes each living lane's loss, or that it diverged at this step."""
    # To the host at once: on a GPU each number by itself would be waited for.
    known, lengths = losses.tolist(), norms.tolist()
    for position, lane in enumerate(living):
        if math.isfinite(known[position]) and math.isfinite(lengths[lane]):
            state.losses[lane].append(round(known[position], 6))
        else:
            state.diverged[lane] = state.step
