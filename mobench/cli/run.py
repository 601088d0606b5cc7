"""``mobench run``: one organism up and down the learning-rate ladder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from mobench.cli.command_line import run_options
from mobench.run_options import RunOptions

if TYPE_CHECKING:
    from mobench.gate.request import RunRequest
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
    from mobench.gate.judge_model import judge_bytes
    from mobench.gate.preflight import check_request
    from mobench.gate.request import resolve
    from mobench.machine.hardware import detect
    from mobench.plan.question_load import question_loads
    from mobench.plan.run_cost import run_cost
    from mobench.registry import collect_for

    options = RunOptions(**typed)
    if dry_run:  # which downloads nothing
        registry = collect_for(options.organism)
    else:
        registry = collect_described(options.organism, offline=options.offline)
    request = resolve(options, registry)
    hardware = detect(request.device)
    cost = run_cost(
        request.spec,
        request.preset,
        hardware,
        request.options.max_steps,
        controls=request.controls,
        capability=question_loads(request.spec, registry.capability_dir(request.spec)),
        engine=request.options.engine,
        judge_bytes=judge_bytes(request.judge),
    )
    if dry_run:
        plan = cost_summary(request.spec, request.task, cost)
        click.echo(json.dumps(cost.to_json()) if as_json else plan)
        return
    check_request(request, registry, hardware=hardware, needed_bytes=cost.memory_bytes)
    _run(request, registry, cost.packing, as_json=as_json)


def _run(request: RunRequest, registry: Registry, packing: Packing, *, as_json: bool) -> None:
    """Runs the ladder; a stop says how to go on: with this machine's options too."""
    from mobench.execute.run import run_ladder
    from mobench.progress import Progress
    from mobench.publish.pages.run_report import show_run

    try:
        folder = run_ladder(request, registry, packing, Progress())
    except KeyboardInterrupt:
        click.echo(
            f"\nstopped; what is finished stays in {request.runs}. "
            f"Go on with: {request.resume_command}",
            err=True,
        )
        raise SystemExit(130) from None
    show_run(folder, as_json=as_json)
