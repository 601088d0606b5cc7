"""``mobench run``: one organism up and down the learning-rate ladder."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from mobench.cli.command_line import run_options
from mobench.cli.stopping import exit_code
from mobench.run_options import RunOptions

if TYPE_CHECKING:
    from mobench.gate.request import RunRequest
    from mobench.plan.cost_record import RunCost
    from mobench.plan.packing import Packing
    from mobench.registry import Registry


@click.command()
@run_options()
@click.option("--dry-run", is_flag=True, help="Print the plan and its cost; do nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the score as JSON.")
def run(dry_run: bool, as_json: bool, **typed: Any) -> None:
    """Train an organism on every rung of the ladder and say what resists.

    A run that was stopped goes on where it was: give the same command again.
    """
    from mobench.cli.cost_summary import cost_summary
    from mobench.gate.described_weights import collect_described
    from mobench.gate.priced_request import priced
    from mobench.gate.request import resolve
    from mobench.publish.pages.narrow_table import broken_if_narrow, terminal_width
    from mobench.registry import collect_for

    options = RunOptions(**typed)
    if dry_run:  # which downloads nothing
        registry = collect_for(options.organism)
    else:
        registry = collect_described(options.organism, offline=options.offline)
    planned = priced(resolve(options, registry), registry)
    request, cost = planned.request, planned.cost
    if dry_run:
        plan = cost_summary(request.spec, request.task, cost)
        width = terminal_width()
        click.echo(json.dumps(cost.to_json()) if as_json else broken_if_narrow(plan, width))
        return
    planned.check(registry)
    _check_disk(request, cost)
    _run(request, registry, cost.packing, as_json=as_json)


def _check_disk(request: RunRequest, cost: RunCost) -> None:
    """Refuses a run that the disk cannot hold; says where its plan will likely need more."""
    from dataclasses import replace

    from mobench.plan.disk import disk_needed, gib, refuse_full_disk, written_already

    preset, options = request.preset, request.options
    smallest = replace(options, keep_adapters="last")
    begins = f"{request.spec.name}--{request.task.name}--{options.preset}-"
    there = written_already(request.runs, begins)
    free = refuse_full_disk(
        disk_needed(cost, preset, options),
        request.runs,
        name=request.spec.name,
        smaller=disk_needed(cost, preset, smallest) if options.keep_adapters == "all" else None,
        there=there,
    )
    likely = 0 if cost.likely is None else cost.likely.disk_bytes - there
    if likely > free and options.keep_adapters == "all":
        more = "more will be needed where the plan adds seeds; --keep-adapters last needs less"
        click.echo(f"{gib(free)} are free in {request.runs}: {more}", err=True)


def _run(request: RunRequest, registry: Registry, packing: Packing, *, as_json: bool) -> None:
    """Runs the ladder; a stop says how to go on: with this machine's options too."""
    from mobench.execute.run import run_ladder
    from mobench.progress import Progress
    from mobench.publish.pages.run_report import show_run
    from mobench.store.run_copy import RunCopy

    try:
        folder = run_ladder(request, registry, packing, Progress())
    except KeyboardInterrupt:
        with suppress(OSError):  # Where a terminal was closed nobody reads it.
            click.echo(
                f"\nstopped; what is finished stays in {request.runs}. "
                f"Go on with: {request.resume_command}",
                err=True,
            )
        raise SystemExit(exit_code()) from None
    show_run(folder, as_json=as_json)
    if request.options.copy_to is not None:  # score and plots, which were made just now
        RunCopy(folder, request.options.copy_to).send()
