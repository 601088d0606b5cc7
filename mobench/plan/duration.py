"""How long a plan will take on a machine whose speed has been measured."""

from __future__ import annotations

from dataclasses import dataclass

from mobench.plan.answering import Answering
from mobench.plan.workload import Workload

CPU_TRAINING = 1.0
"""Planned matrix products of training that a CPU gets done in the time in which, at its measured
speed, it would do one."""
CPU_MEASURING = 1.47
"""The same for answering. Above 1, because a plan counts every token of every question, and each
answer as long as it may be: beginnings that questions share are read once, and answers end."""
CPU_TRAFFIC = 1.24e9
"""Bytes of kept activations that a CPU gets through in a second, outside of matrix products.

These and the seconds below are fitted to the seconds that 25 manifests of `benchmarks.growth` say
training and measuring took: the toy on two cores of 290 GFLOP/s together, SmolLM2-135M on one
thread of 140. They give each back within a quarter; tests/plan/test_duration.py holds the code to
that."""
GPU_TRAINING = 0.46
"""Share on accelerators, as PaLM reports (Chowdhery et al. 2022, arXiv 2204.02311, model FLOPs
utilization). Not measured here."""
GPU_MEASURING = 0.3
"""The same for reading prompts. Not measured here: narrow products wait for memory."""
GPU_LAUNCH = 8e-6
"""Seconds from one kernel to the next where torch starts each by itself, as it does while this
process writes answers: a token costs that for each kernel, however many rows there are. Not
measured here."""
GPU_BANDWIDTH = 1.5e12
"""Bytes of weights that are read in a second: three quarters of what an A100 of 80 GB is said to do
(2.0 TB/s, its data sheet). Not measured here."""
ENGINE_SECONDS = 120.0
"""What vLLM takes to start on a GPU: weights, compilation, graphs. Not measured here; 35 s with a
135M on a CPU."""
HARNESS_SECONDS = 0.12
"""What lm-eval takes for itself each time it is called."""


@dataclass(frozen=True)
class Seconds:
    """How long the parts of a plan take.

    Attributes:
        training: Training.
        attack: Answers to eval prompts.
        capability: Answers to capability questions.
        engine: Starting what answers.
    """

    training: float
    attack: float
    capability: float
    engine: float = 0.0

    @property
    def total(self) -> float:
        """All of it."""
        return self.training + self.attack + self.capability + self.engine


def estimated_seconds(
    work: Workload,
    flops_per_second: float,
    device: str,
    engine: str = "hf",
    *,
    tensor_parallel: int = 1,
) -> Seconds:
    """Returns the seconds that training and measuring will take.

    Matrix products run at a share of the measured speed. On a CPU the memory traffic of everything
    else is added, which weighs the more the narrower the model is. On an accelerator answers are
    written no faster than kernels can be started, or weights read; vLLM starts all kernels of a
    pass at once. The GPUs that a model is spread over for training take turns, so that it takes as
    long as on one; those of vLLM work at the same time, and what they send each other is not
    counted.

    Args:
        work: How much there is to do.
        flops_per_second: Measured matrix-product speed, as `hardware.matmul_flops` gives it.
        device: Where it runs: ``cpu``, ``cuda``, ….
        engine: What answers: ``hf`` or ``vllm``. On a CPU they are priced alike.
        tensor_parallel: GPUs that vLLM divides a model among.

    Raises:
        ValueError: The speed is not positive.
    """
    if not flops_per_second > 0:
        raise ValueError(f"flops_per_second must be positive, got {flops_per_second}")
    calls = HARNESS_SECONDS * work.capability_calls
    if device == "cpu":
        measured = CPU_MEASURING * flops_per_second
        products = work.train_flops / CPU_TRAINING / flops_per_second
        return Seconds(
            products + work.train_bytes / CPU_TRAFFIC,
            work.attack.flops / measured,
            work.capability.flops / measured + calls,
        )

    def answers(asked: Answering) -> float:
        read, written = (
            flops / GPU_MEASURING / flops_per_second
            for flops in (asked.prompt_flops, asked.answer_flops)
        )
        if engine == "vllm":
            one = read + max(written, asked.served_bytes / GPU_BANDWIDTH)
            return one / tensor_parallel
        waits = asked.kernels * GPU_LAUNCH, asked.read_bytes / GPU_BANDWIDTH
        return read + max(written, *waits)

    return Seconds(
        work.train_flops / GPU_TRAINING / flops_per_second,
        answers(work.attack),
        answers(work.capability) + calls,
        ENGINE_SECONDS if engine == "vllm" else 0.0,
    )
