"""``mobench work``: joins a run that others are at work on, or were."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--device", default=None, help="auto, cpu, cuda or mps; the run's own by default.")
@click.option(
    "--beside",
    default=0,
    type=click.IntRange(min=0),
    help="Other workers on this machine, which share its memory where there is no GPU.",
)
@click.option("--parent", type=int, default=None, hidden=True)
def work(folder: Path, device: str | None, beside: int, parent: int | None) -> None:
    """Join the run in FOLDER: take cells that nobody is at work on, until none are left.

    The folder may lie on a disk that several machines share. The run is begun by `mobench run`; a
    worker that stops or is lost loses nothing, and the others take over what it had.
    """
    from mobench.execute.asked import read_asked
    from mobench.execute.run import run_ladder
    from mobench.execute.worker_life import end_with
    from mobench.gate.described_weights import collect_described
    from mobench.gate.placement import placed
    from mobench.gate.preflight import check_request
    from mobench.gate.request import resolve
    from mobench.machine.hardware import detect
    from mobench.plan.packing import machine_packing
    from mobench.progress import Progress
    from mobench.store import RunFolder

    run = RunFolder(folder.absolute())
    root, options = read_asked(run)
    options = replace(options, workers=1)
    if parent is not None:
        end_with(parent)
    if root.is_dir():
        os.chdir(root)
    if device is not None:
        options = replace(options, device=device)
    registry = collect_described(options.organism, offline=options.offline)
    request = placed(resolve(options, registry))
    hardware = detect(request.device)
    check_request(request, registry, hardware=hardware, needed_bytes=0)
    sharing = 1 + beside if hardware.gpu is None else 1
    memory = hardware.model_memory_gb / sharing
    packing = machine_packing(request.spec, request.preset, memory, request.device)
    try:
        run_ladder(request, registry, packing, Progress(), into=run)
    except KeyboardInterrupt:
        click.echo("\nstopped; what is finished stays, and others go on", err=True)
        raise SystemExit(130) from None
    click.echo(f"nothing is left of {folder}; `mobench report {folder}` shows it")
