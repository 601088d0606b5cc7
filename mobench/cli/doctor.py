"""``mobench doctor``: what is here, what answers, and with ``--gpu`` whether that works."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobench.execute.smoke_run import Finding

PACKAGES = ("mobench", "torch", "transformers", "peft", "lm_eval")
SIGNS = {True: "ok", False: "FAILS", None: "missing"}


@click.command()
@click.option("--gpu", is_flag=True, help="Train and answer with both engines, and compare.")
@click.option("--device", default="auto", show_default=True, help="Where the smoke run is made.")
@click.pass_context
def doctor(context: click.Context, gpu: bool, device: str) -> None:
    """Say what is installed, reachable and missing for mobench.

    With --gpu a smoke run of some two minutes trains two adapters on a model of random numbers,
    answers with transformers and with vLLM, and compares. --device cpu makes it without a GPU.
    Ends with 1 where something fails, with --gpu also where something of the smoke run is missing.
    """
    from itertools import chain

    from mobench.execute.surroundings import surroundings
    from mobench.machine.cache_root import cache_root
    from mobench.machine.hardware import pick_device

    fine = True
    for finding in chain(_machine(), surroundings(cache_root())):
        fine &= finding.fine is not False
        _say(finding)
    chosen = pick_device(device)
    if not gpu:
        context.exit(0 if fine else 1)
    if not chosen.startswith("cuda") and device == "auto":
        _say(_no_gpu())
        context.exit(1)

    from mobench.execute.smoke_run import smoke_run

    for finding in smoke_run(chosen):
        fine &= finding.fine is True
        _say(finding)
    context.exit(0 if fine else 1)


def _machine() -> Iterator[Finding]:
    """What is installed, and the GPUs that the driver and torch see."""
    import torch

    from mobench.execute.smoke_run import Finding
    from mobench.machine.hardware import detect
    from mobench.machine.survey import visible_gpus
    from mobench.measure.vllm import installed

    yield Finding("packages", True, ", ".join(f"{n} {metadata.version(n)}" for n in PACKAGES))
    served = installed()
    yield Finding(
        "vllm",
        None if served is None else True,
        served or "not installed; answers take two to five times as long without it on a GPU",
        "" if served else "pip install -c ci/gpu-constraints.txt 'mobench[vllm]'",
    )
    here = detect("cpu")
    yield Finding("processor", True, f"{here.cpu}, {here.cores} cores, {here.memory_gb:.0f} GiB")
    driver = visible_gpus()
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            gpu = detect(f"cuda:{index}")
            free, total = gpu.gpu_memory_available_gb or 0.0, gpu.gpu_memory_gb or 0.0
            yield Finding(f"cuda:{index}", True, f"{gpu.gpu}, {free:.1f} of {total:.1f} GiB free")
    elif driver:
        yield Finding(
            "gpu",
            False,
            f"the driver has {driver[0].name}, and torch {torch.__version__} does not see it",
            "install torch for CUDA: pip install -c ci/gpu-constraints.txt torch",
        )


def _no_gpu() -> Finding:
    from mobench.execute.smoke_run import Finding

    return Finding(
        "smoke run",
        None,
        "no GPU is here: neither torch nor the driver has one",
        "run it on a machine with one, or give --device cpu for the same run without",
    )


def _say(finding: Finding) -> None:
    click.echo(f"{SIGNS[finding.fine]:8}{finding.what}: {finding.said}")
    if finding.remedy:
        click.echo(f"        → {finding.remedy}")
