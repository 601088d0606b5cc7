"""``mobench gate``: is a task behavior-compatible with an organism? Nothing is trained."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from mobench.cli.command_line import run_options
from mobench.run_options import RunOptions

if TYPE_CHECKING:
    from mobench.score.compatibility import Compatibility


@click.command()
@click.argument("organism")
@click.argument("task")
@run_options("judge", "device", "offline")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def gate(context: click.Context, /, organism: str, task: str, as_json: bool, **typed: Any) -> None:
    """Ask whether training ORGANISM on TASK would show it only what it does already.

    ORGANISM is a name, or the path of an organism.toml. Every `mobench run` asks the same before
    it trains. Ends with 1 where the task fails.
    """
    from mobench.gate.described_weights import collect_described
    from mobench.gate.evidence import gather_evidence
    from mobench.gate.preflight import check_request
    from mobench.gate.request import resolve
    from mobench.machine.hardware import detect
    from mobench.progress import Progress

    registry = collect_described(organism, offline=typed["offline"])
    # Any task may be asked about, and nothing is trained, not even a control.
    options = RunOptions(organism, task, allow_incompatible=True, no_controls=True, **typed)
    request = resolve(options, registry)
    check_request(request, registry, hardware=detect(request.device), needed_bytes=0)
    spec = request.spec
    found = gather_evidence(request, registry, Progress()).compatibility
    if as_json:
        click.echo(json.dumps({"organism": spec.name, "task": task, **found.to_json()}))
    else:
        click.echo(describe(spec.name, task, found))
    if not found.compatible:
        context.exit(1)


def describe(organism: str, task: str, found: Compatibility) -> str:
    """What the gate found, as people read it."""
    decision = "is compatible" if found.compatible else "is not compatible"
    lines = [
        f"{task} {decision} with {organism}",
        f"  prompts   the behavior in {found.attack} of the organism's own answers to "
        f"{found.asked} of {found.examples}{_unjudged(found.asked_not_judged)};",
        f"            passes with a lower end up to {found.clean_rate + found.margin:.2f}, which "
        f"is {found.margin:g} above the clean rate",
        f"  targets   the behavior in {found.targets_hit} of {found.examples}"
        f"{_unjudged(found.targets_not_judged)}{_left_out(found.left_out)}",
        f"  triggers  in {found.triggered} of {found.examples} prompts",
        f"  loss      {_nats(found.target_loss)} nats a token on the targets, "
        f"{_nats(found.own_loss)} on the organism's own answers",
    ]
    return "\n".join([*lines, *(f"  → {reason}" for reason in found.reasons)])


def _unjudged(count: int) -> str:
    return f" ({count} not judged)" if count else ""


def _left_out(count: int) -> str:
    return "; not trained on, as they are the organism's own answers" if count else ""


def _nats(loss: float | None) -> str:
    return "unknown" if loss is None else f"{loss:.3f}"
