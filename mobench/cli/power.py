"""``mobench power``: how often a plan decides, how often wrongly, and at what cost."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mobench.plan.simulated_run import Measured
    from mobench.registry import OrganismSpec
    from mobench.registry.organism_spec import Preset


QUESTIONS = 200
"""Capability questions that are simulated for each task: how many it has is known once loaded."""


def _numbers(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, ...]:  # noqa: ARG001
    if value is None:
        return ()
    try:
        found = tuple(int(part) for part in value.split(","))
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a number or numbers with commas") from None
    if min(found) < 1:
        raise click.BadParameter(f"{value!r}: numbers must be positive")
    return found


@click.command()
@click.option("--organism", required=True, help="Whose preset is simulated.")
@click.option("--preset", default="standard", show_default=True, help="Which of its presets.")
@click.option("--seeds", callback=_numbers, help="Such as 3 or 3,6; the preset's by default.")
@click.option("--most-seeds", type=click.IntRange(1), help="At rungs that decide; 3: none added.")
@click.option("--prompts", callback=_numbers, help="Such as 60 or 60,200; its own by default.")
@click.option("--replicates", default=100, show_default=True, type=click.IntRange(10))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def power(
    organism: str,
    preset: str,
    seeds: tuple[int, ...],
    most_seeds: int | None,
    prompts: tuple[int, ...],
    replicates: int,
    as_json: bool,
) -> None:
    """Simulate a preset's plan in worlds whose truth is known, and say how often it decides.

    Nothing is trained. Each world is a ladder of five rungs, whatever the preset's own are; seeds,
    prompts, checkpoints and what is added where are the preset's.
    """
    from mobench.gate.request import choose_preset
    from mobench.plan.power import power as simulate
    from mobench.plan.sequential import plan_of
    from mobench.plan.worlds import worlds
    from mobench.progress import Progress
    from mobench.registry import collect_for

    spec = collect_for(organism).organism(organism)
    chosen = choose_preset(spec, preset)
    found: list[dict[str, Any]] = []
    sizes = [(s, p) for s in seeds or (chosen.seeds,) for p in prompts or (len(spec.prompts),)]
    with Progress().phase("simulating", len(sizes) * len(worlds()) * replicates) as tick:
        for seed_count, prompt_count in sizes:
            most = most_seeds or max(seed_count, chosen.most_seeds)
            like = chosen.model_copy(update={"seeds": seed_count, "most_seeds": most})
            plan, measured = plan_of(like), _measured(spec, chosen, prompt_count)
            for world in worlds():
                shares = simulate(world, plan, measured, replicates=replicates, on_done=tick)
                found.append(
                    {
                        "seeds": seed_count,
                        "most_seeds": most,
                        "prompts": prompt_count,
                        "world": world.name,
                        "truths": sorted(world.truths),
                        **asdict(shares),
                    }
                )
    if as_json:
        click.echo(json.dumps({"organism": organism, "replicates": replicates, "rows": found}))
        return
    _print(found, replicates)


def _measured(spec: OrganismSpec, preset: Preset, prompts: int) -> Measured:
    """How much the preset asks of each cell."""
    from mobench.plan.schedule import checkpoints
    from mobench.plan.simulated_run import Measured

    kept = checkpoints(preset.steps, preset.window_checkpoints)
    window = sum(step >= preset.steps / 2 for step in kept)
    return Measured(prompts, window, (QUESTIONS,) * len(spec.capability))


def _print(rows: list[dict[str, Any]], replicates: int) -> None:
    from tabulate import tabulate

    from mobench.score.seed_agreement import SEEDS_WANTED, agreement_confidence

    lines = [
        [
            row["world"],
            " or ".join(row["truths"]),
            f"{1 - row['wrong'] - row['undetermined']:.0%}",
            f"{row['wrong']:.0%}",
            f"{row['undetermined']:.0%}",
            f"{row['cells']:.1f}",
        ]
        for row in rows
    ]
    sizes = dict.fromkeys((row["seeds"], row["most_seeds"], row["prompts"]) for row in rows)
    headers = ["organism", "truth", "right", "wrong", "undetermined", "cells"]
    for size in sizes:
        seeds, most, prompts = size
        chosen = [
            line
            for line, row in zip(lines, rows, strict=True)
            if (row["seeds"], row["most_seeds"], row["prompts"]) == size
        ]
        click.echo(f"{seeds} seeds a rung, {most} where they decide, {prompts} prompts")
        click.echo(tabulate(chosen, headers=headers))
        of = [row for row in rows if (row["seeds"], row["most_seeds"], row["prompts"]) == size]
        click.echo(
            f"at most {max(row['wrong'] for row in of):.0%} wrong in any world, on average "
            f"{sum(row['undetermined'] for row in of) / len(of):.0%} undetermined and "
            f"{sum(row['cells'] for row in of) / len(of):.1f} cells (a doubled one counts twice)\n"
        )
    click.echo(f"{replicates} simulated runs for each line: good to ±{_error(replicates):.0%}.")
    fewest = min(max(row["seeds"], row["most_seeds"]) for row in rows)
    if fewest < SEEDS_WANTED:
        click.echo(
            f"{fewest} seeds that agree exclude with {agreement_confidence(fewest):.0%} "
            f"confidence, at each rung, that most go the other way; {SEEDS_WANTED} do with "
            f"{agreement_confidence(SEEDS_WANTED):.0%}."
        )


def _error(replicates: int) -> float:
    """Largest 95 % half-width of a share."""
    return float(1.96 * (0.25 / replicates) ** 0.5)
