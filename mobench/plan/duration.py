"""How long a plan will take on a machine whose speed has been measured."""

from __future__ import annotations

from mobench.plan.cost import Cost

CPU_TRAINING = 1.14
"""Planned products of training that a CPU gets done, over those that its measured speed would do.

Above 1, for a plan counts padding, and beginnings in common for every example; a step leaves them
out where it can."""
CPU_MEASURING = 1.13
"""The same for answering: a plan counts every token, and settled answers are cut."""
CPU_TRAFFIC = 1.2e9
"""Bytes of kept activations that a CPU gets through in a second, for all that is not products.

These and the seconds below are fitted to the 29 runs of `benchmarks.growth` on two cores (matrix
products: 290 GFLOP/s in float32; the toy and SmolLM2-135M) and give each back within a quarter.
tests/test_plan_time.py holds them."""
GPU_TRAINING = 0.46
"""Share on accelerators, as PaLM reports (Chowdhery et al. 2022, arXiv 2204.02311, model FLOPs
utilization). Not measured here."""
GPU_MEASURING = 0.3
"""Not measured here: narrow products wait for memory."""
HARNESS_SECONDS = 0.12
"""What lm-eval takes for itself each time it is called."""


def time_estimate(cost: Cost, flops_per_second: float, device: str) -> float:
    """Returns seconds for training and measuring.

    Products at a share of the measured speed; on a CPU also the memory traffic of what is not a
    product, which weighs the more the narrower the model is.

    Args:
        cost: From `estimate`.
        flops_per_second: Measured matrix-product speed, as `hardware.matmul_flops` gives it.
        device: Where it runs: ``cpu``, ``cuda``, ….

    Raises:
        ValueError: The speed is not positive.
    """
    if not flops_per_second > 0:
        raise ValueError(f"flops_per_second must be positive, got {flops_per_second}")
    calls = HARNESS_SECONDS * cost.capability_calls
    if device != "cpu":
        work = cost.train_flops / GPU_TRAINING + cost.measure_flops / GPU_MEASURING
        return work / flops_per_second + calls
    work = cost.train_flops / CPU_TRAINING + cost.measure_flops / CPU_MEASURING
    return work / flops_per_second + cost.train_bytes / CPU_TRAFFIC + calls
