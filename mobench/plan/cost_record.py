"""What a run will cost, as ``--dry-run`` tells it: cells, tokens, FLOPs, memory, disk and time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from mobench.plan.duration import Seconds
from mobench.plan.growth_cost import PlanCost
from mobench.plan.packing import Packing


@dataclass(frozen=True)
class ExtensionCost:
    """What extending low rungs adds at most; what it really adds is decided by the ladder's result.

    Attributes:
        cells: Cells that may be run again.
        steps: The most that any of them may be given.
        seconds: Estimated time on this machine.
    """

    cells: int
    steps: int
    train_tokens: int
    train_flops: float
    measure_flops: float
    disk_bytes: int
    seconds: float


@dataclass(frozen=True)
class RunCost:
    """What a run will take in cells, tokens, FLOPs, memory, disk and time.

    Attributes:
        cells: Rungs × seeds.
        controls: Cells beside them, in every figure but that of an extension.
        cooldowns: Cells that go on from the ladder's, in every figure too.
        cooldown_steps: Steps of each of these.
        batch_size: Examples of each cell in a step.
        pack: Cells in one pass.
        micro_batch: Examples of each cell in a forward pass; None for a whole batch.
        recompute: Whether activations are computed again in the backward pass.
        memory_bytes: Peak memory of one pack, where the model is, and of a judge beside it.
        judge_bytes: What the judge takes of it.
        memory_planned_with: Bytes that it may take: a part of what is free now.
        seconds: Estimated time on this machine, without building the organism.
        engine: What answers: ``hf`` or ``vllm``.
        parts: What the seconds go into.
        by_vllm: Seconds if vLLM answered, where a GPU could run it and it does not; else None.
        train_bytes: Activations kept for backward passes, over all steps of all cells.
        capability_calls: Times that lm-eval is called.
        flops_per_second: This machine's speed at the model's own products.
        gpus: GPUs that a model is spread over for training.
        tensor_parallel: GPUs that vLLM divides a model among.
        extension: On top of all that; None where low rungs are not to be extended.
        least: The whole run where the plan adds nothing, which is what the figures above are too.
            None where nothing is ever added.
        likely: The same where two rungs decide and get the plan's next seeds, and what is removed
            is undone.
        most: The same where every rung gets all seeds, and with twice the budget again, the clean
            base too: no run takes more.
    """

    cells: int
    rungs: tuple[float, ...]
    seeds: int
    steps: int
    batch_size: int
    pack: int
    micro_batch: int | None
    recompute: bool
    train_tokens: int
    train_flops: float
    measure_flops: float
    memory_bytes: int
    judge_bytes: int
    memory_planned_with: int
    disk_bytes: int
    seconds: float
    engine: str
    parts: Seconds
    by_vllm: float | None
    device: str
    train_bytes: float
    capability_calls: int
    flops_per_second: float
    gpus: int = 1
    tensor_parallel: int = 1
    extension: ExtensionCost | None = None
    controls: int = 0
    cooldowns: int = 0
    cooldown_steps: int = 0
    least: PlanCost | None = None
    likely: PlanCost | None = None
    most: PlanCost | None = None

    @property
    def packing(self) -> Packing:
        """How the run begins to put cells into memory."""
        return Packing(self.pack, self.micro_batch, self.recompute)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)
