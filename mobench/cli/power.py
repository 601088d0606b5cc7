"""``mobench power``: how often a plan decides, how often wrongly, and at what cost."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pathlib import Path

    from mobench.plan.simulated_run import Measured
    from mobench.registry import OrganismSpec
    from mobench.registry.organism_spec import Preset

QUESTIONS = 200
"""Capability questions simulated of each of lm-eval's own tasks: how many it has is known late."""


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
@click.option(
    "--most-seeds", type=click.IntRange(1), help="At rungs that decide; as --seeds: fixed."
)
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

    registry = collect_for(organism)
    spec = registry.organism(organism)
    chosen = choose_preset(spec, preset)
    found: list[dict[str, Any]] = []
    sizes = [(s, p) for s in seeds or (chosen.seeds,) for p in prompts or (len(spec.prompts),)]
    with Progress().phase("simulating", len(sizes) * len(worlds()) * replicates) as tick:
        for seed_count, prompt_count in sizes:
            most = max(seed_count, most_seeds or chosen.most_seeds)
            like = chosen.model_copy(update={"seeds": seed_count, "most_seeds": most})
            plan = plan_of(like)
            measured = _measured(spec, chosen, prompt_count, registry.capability_dir(spec))
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


def _measured(spec: OrganismSpec, preset: Preset, prompts: int, folder: Path) -> Measured:
    """How much the preset asks of each cell."""
    from mobench.plan.question_count import known_questions
    from mobench.plan.schedule import checkpoints
    from mobench.plan.simulated_run import Measured

    kept = checkpoints(preset.steps, preset.window_checkpoints)
    window = sum(step >= preset.steps / 2 for step in kept)
    questions = tuple(count or QUESTIONS for count in known_questions(spec, folder))
    return Measured(prompts, window, questions)


def _print(rows: list[dict[str, Any]], replicates: int) -> None:
    """Prints a table for each plan, and what it comes to."""
    from itertools import groupby

    from mobench.score.seed_agreement import SEEDS_WANTED, agreement_confidence

    for size, group in groupby(rows, key=lambda r: (r["seeds"], r["most_seeds"], r["prompts"])):
        _print_plan(*size, list(group))
    click.echo(
        "* is true in that world; wrong is any other verdict but undetermined, and a cell that "
        f"goes on for as long again counts twice. {replicates} simulated runs for each line: a "
        f"share is good to ±{_error(replicates):.0%}."
    )
    fewest = min(row["most_seeds"] for row in rows)
    if fewest < SEEDS_WANTED:
        click.echo(
            f"{fewest} seeds that agree exclude with {agreement_confidence(fewest):.0%} "
            f"confidence, at each rung, that most go the other way; {SEEDS_WANTED} do with "
            f"{agreement_confidence(SEEDS_WANTED):.0%}."
        )


def _print_plan(seeds: int, most: int, prompts: int, rows: list[dict[str, Any]]) -> None:
    """Prints how one plan does in every world."""
    from textwrap import fill

    from tabulate import tabulate

    from mobench.plan.power import VERDICT_WORDS

    more = f"up to {most} where they decide" if most > seeds else "no more are added"
    click.echo(f"{seeds} seeds a rung, {more}; {prompts} prompts\n")
    lines = [
        [
            row["world"],
            *(_said(row, word) for word in VERDICT_WORDS),
            f"{row['wrong']:.0%}",
            f"{row['cells']:.1f}",
        ]
        for row in rows
    ]
    words = (fill(word, 12) for word in VERDICT_WORDS)
    headers = ["organism", *words, "wrong", "cells"]
    right = ["right"] * (len(headers) - 1)
    click.echo(tabulate(lines, headers, disable_numparse=True, colalign=["left", *right]))
    worst = max(rows, key=lambda row: row["wrong"])
    where = f" ({worst['world']})" if worst["wrong"] else ""
    click.echo(
        f"\nOf such runs at most {worst['wrong']:.0%} end with a wrong verdict{where}, and on "
        f"average {_mean(rows, 'undetermined'):.0%} without any, for "
        f"{_mean(rows, 'cells'):.1f} cells.\n"
    )


def _said(row: dict[str, Any], word: str) -> str:
    """How often a verdict came, marked where it is true; a dot for never."""
    share = row["said"][word]
    mark = "*" if word in row["truths"] else " "
    return f"{share:.0%}{mark}" if share or mark == "*" else ". "


def _mean(rows: list[dict[str, Any]], key: str) -> float:
    return float(sum(row[key] for row in rows)) / len(rows)


def _error(replicates: int) -> float:
    """Largest 95 % half-width of a share."""
    return float(1.96 * (0.25 / replicates) ** 0.5)
