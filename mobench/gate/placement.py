"""Which GPUs a run's models are on: as many as the planner says that they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mobench.errors import MobenchError
from mobench.gate.judge_model import judge_bytes as judge_bytes_of
from mobench.gate.request import RunRequest
from mobench.machine.devices import devices_of
from mobench.machine.hardware import Hardware, gpus_here
from mobench.plan.gpus import gpus_to_serve, gpus_to_train, serving_choices, spread_over
from mobench.plan.model_size import model_shape

SERVED_TOGETHER = 16
"""Adapters that vLLM holds at a time, at most: each takes memory beside the model."""


def placed(request: RunRequest) -> RunRequest:
    """Lays a request on the devices of this machine.

    Raises:
        MobenchError: As for :func:`place`.
    """
    gpus = gpus_here() if request.device.startswith("cuda") else []
    return place(request, gpus, judge_bytes=judge_bytes_of(request.judge))


def place(request: RunRequest, gpus: Sequence[Hardware], *, judge_bytes: int = 0) -> RunRequest:
    """Spreads a run's models over GPUs.

    How many it is is no part of a cell's identity. Each layer is computed as on one GPU; vLLM adds
    up parts of products in another order.

    Args:
        request: The request, with the device as it was named.
        gpus: The GPUs that can be used, one each; empty where there is none.
        judge_bytes: Memory that a judging model takes beside the organism.

    Returns:
        The request with its devices, and the number of GPUs that vLLM takes.

    Raises:
        MobenchError: More GPUs are wanted than there are, or a model cannot be divided so.
    """
    options, spec, preset = request.options, request.spec, request.preset
    _check_numbers(request, len(gpus))
    if not request.device.startswith("cuda"):
        return replace(request, tensor_parallel=options.tensor_parallel or 1)

    # 1. For training: those that were named, as many as were asked for, or as few as hold it.
    device = request.device
    if device == "cuda":
        free = min(gpu.model_memory_gb for gpu in gpus)
        count = options.shards or gpus_to_train(
            spec, preset, free_gb=free, most=len(gpus), judge_bytes=judge_bytes
        )
        device = spread_over(count)

    # 2. For vLLM: one GPU that was named stays the only one.
    count = options.tensor_parallel or 1
    if options.tensor_parallel is None and options.engine == "vllm":
        named = device != spread_over(len(devices_of(device)))
        count = gpus_to_serve(
            spec,
            preset,
            total_gb=min(gpu.gpu_memory_gb or 0.0 for gpu in gpus),
            most=len(devices_of(device)) if named else len(gpus),
            adapters=SERVED_TOGETHER,
        )
    return replace(request, device=device, tensor_parallel=count)


def gpus_of_a_worker(request: RunRequest) -> int:
    """Returns the GPUs that one process at work on a run takes; 0 where it is on none."""
    if not request.device.startswith("cuda"):
        return 0
    return max(len(devices_of(request.device)), request.tensor_parallel)


def _check_numbers(request: RunRequest, there: int) -> None:
    """Refuses numbers of GPUs that cannot be.

    Raises:
        MobenchError: They cannot.
    """
    options, on_gpu = request.options, request.device.startswith("cuda")
    for flag, count in (
        ("--shards", options.shards),
        ("--tensor-parallel", options.tensor_parallel),
    ):
        if count is not None and count < 1:
            raise MobenchError(f"{flag} {count}: a model is somewhere", "give 1 or more")
        if count is not None and on_gpu and count > there:
            raise MobenchError(
                f"{flag} {count}: there are {there} GPUs here",
                "leave it out to take as few as hold the model, or run it where there are more",
            )
    if options.shards not in (None, 1) and request.device != "cuda":
        raise MobenchError(
            f"--shards {options.shards}: {request.device} is one place",
            "give --device cuda, which spreads a model over the first GPUs",
        )
    wanted = options.tensor_parallel
    if wanted is not None and wanted > 1:
        if options.engine != "vllm":
            raise MobenchError(
                f"--tensor-parallel {wanted} says how vLLM divides a model",
                "give --engine vllm with it; --shards spreads a model for transformers",
            )
        heads = model_shape(request.spec).heads
        if heads % wanted:
            known = ", ".join(map(str, serving_choices(model_shape(request.spec), there or wanted)))
            raise MobenchError(
                f"--tensor-parallel {wanted}: {heads} heads cannot be divided so",
                f"{request.spec.name} can be served on {known}",
            )
