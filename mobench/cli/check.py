"""``mobench check``: is an organism's folder ready for a pull request?"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mobench.cli.command_line import run_options
from mobench.errors import MobenchError
from mobench.run_options import RunOptions

if TYPE_CHECKING:
    from mobench.execute.trial_run import Trial
    from mobench.registry import OrganismSpec, Registry

FILE = "organism.toml"


@click.command()
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH…"
)
@run_options("task", "judge", "device", "offline")
@click.option("--variant", "variants", multiple=True, help="Only this one; may be given again.")
@click.option("--no-run", is_flag=True, help="Only read files; build, ask and train nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(
    paths: tuple[Path, ...],
    variants: tuple[str, ...],
    no_run: bool,
    as_json: bool,
    **typed: Any,
) -> None:
    """Read an organism's folder or file as collection does, and try each variant out.

    A trial builds it, puts it through the gate, trains it for four steps at its standard rate and
    measures it. Python files beside it are run: read them first if they are somebody else's.
    """
    from mobench.progress import Progress

    trials: list[Trial] = []
    for path in paths:
        registry, specs = _organisms(path, variants)
        for spec in specs:
            if not as_json:
                click.echo(f"{spec.name}: {_described(spec)}")
            if no_run:
                continue
            from mobench.execute.trial_run import trial_run
            from mobench.gate.described_weights import collect_described

            if spec.pending:
                named = f"{spec.path}::{spec.variant}"
                registry = collect_described(named, offline=typed["offline"])
            options = replace(RunOptions(spec.name), **typed)
            trials.append(trial_run(options, registry, Progress()))
            if not as_json:
                click.echo(_said(trials[-1]))
    if as_json:
        click.echo(json.dumps([asdict(trial) for trial in trials]))


def _organisms(path: Path, variants: tuple[str, ...]) -> tuple[Registry, list[OrganismSpec]]:
    """The variants that a folder or file describes, with all that collection told of it."""
    from mobench.registry import collect_for

    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise MobenchError(
            f"{path} has no {FILE}", "give an organism's folder; `mobench new` writes one"
        )
    registry = collect_for(str(file))
    specs = [spec for spec in registry.organisms.values() if spec.path.samefile(file)]
    unknown = set(variants) - {name for spec in specs for name in (spec.name, spec.variant)}
    if unknown:
        there = ", ".join(spec.name for spec in specs)
        raise MobenchError(f"{path}: no variant {', '.join(sorted(unknown))}", f"it has {there}")
    chosen = [one for one in specs if not variants or {one.name, one.variant} & {*variants}]
    return registry, chosen


def _described(spec: OrganismSpec) -> str:
    return (
        f"its file is sound; revision {spec.revision}, {len(spec.prompts)} prompts, "
        f"tasks {', '.join(spec.tasks)}"
    )


def _said(trial: Trial) -> str:
    """What a trial found, as people read it."""
    return "\n".join(
        [
            f"  gate      the behavior in {trial.attack:.2f} of triggered prompts, in "
            f"{trial.control:.2f} of the others; {trial.task} is compatible",
            f"  trained   {trial.steps} steps at {trial.lr:g} in {trial.train_seconds:.1f} s; then "
            f"the behavior in {trial.attack_after:.2f}, capability {trial.capability_after:.2f} "
            f"({trial.capability:.2f} before)",
            f"  time      {trial.build_seconds:.0f} s to build and gate, "
            f"{trial.measure_seconds:.0f} s to measure two checkpoints and the untrained model",
        ]
    )
