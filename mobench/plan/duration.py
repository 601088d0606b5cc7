"""How long a plan will take on a machine whose speed has been measured."""

from __future__ import annotations

from mobench.plan.workload import Workload

CPU_TRAINING = 1.14
"""Planned matrix products of training that a CPU gets done in the time in which, at its measured
speed, it would do one.

Above 1, because a plan counts padding, and counts a beginning that examples share once for each of
them; a training step leaves both out where it can."""
CPU_MEASURING = 1.13
"""The same for answering: a plan counts every token, and settled answers are cut."""
CPU_TRAFFIC = 1.2e9
"""Bytes of kept activations that a CPU gets through in a second, outside of matrix products.

These and the seconds below are fitted to the 29 runs of `benchmarks.growth` on two cores (matrix
products: 290 GFLOP/s in float32; the toy and SmolLM2-135M) and give each back within a quarter.
tests/plan/test_duration.py holds the code to that."""
GPU_TRAINING = 0.46
"""Share on accelerators, as PaLM reports (Chowdhery et al. 2022, arXiv 2204.02311, model FLOPs
utilization). Not measured here."""
GPU_MEASURING = 0.3
"""Not measured here: narrow products wait for memory."""
HARNESS_SECONDS = 0.12
"""What lm-eval takes for itself each time it is called."""


def estimated_seconds(work: Workload, flops_per_second: float, device: str) -> float:
    """Returns the seconds that training and measuring will take.

    Matrix products run at a share of the measured speed. On a CPU the memory traffic of everything
    else is added, which weighs the more the narrower the model is.

    Args:
        work: How much there is to do.
        flops_per_second: Measured matrix-product speed, as `hardware.matmul_flops` gives it.
        device: Where it runs: ``cpu``, ``cuda``, ….

    Raises:
        ValueError: The speed is not positive.
    """
    if not flops_per_second > 0:
        raise ValueError(f"flops_per_second must be positive, got {flops_per_second}")
    calls = HARNESS_SECONDS * work.capability_calls
    if device != "cpu":
        flops = work.train_flops / GPU_TRAINING + work.measure_flops / GPU_MEASURING
        return flops / flops_per_second + calls
    flops = work.train_flops / CPU_TRAINING + work.measure_flops / CPU_MEASURING
    return flops / flops_per_second + work.train_bytes / CPU_TRAFFIC + calls
