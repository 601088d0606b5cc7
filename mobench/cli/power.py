"""``mobench power``: how many seeds and prompts a verdict needs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mobench.registry import OrganismSpec
    from mobench.registry.organism_spec import Preset
    from mobench.score.power import Design


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
@click.option("--organism", required=True, help="Whose ladder is simulated.")
@click.option("--preset", default="standard", show_default=True, help="Which of its ladders.")
@click.option("--seeds", callback=_numbers, help="Such as 3 or 3,6,10; the preset's by default.")
@click.option("--prompts", callback=_numbers, help="Such as 60 or 60,200; its own by default.")
@click.option("--replicates", default=200, show_default=True, type=click.IntRange(10))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def power(
    organism: str,
    preset: str,
    seeds: tuple[int, ...],
    prompts: tuple[int, ...],
    replicates: int,
    as_json: bool,
) -> None:
    """Simulate organisms whose truth is known on a ladder, and say how often each verdict comes.

    Nothing is trained. The top rung is taken to wreck the model; the others do what each simulated
    organism does.
    """
    from mobench.gate.request import choose_preset
    from mobench.progress import Progress
    from mobench.registry import collect_for
    from mobench.score.power import power as simulate
    from mobench.score.power import simulated_organisms

    spec = collect_for(organism).organism(organism)
    chosen = choose_preset(spec, preset)
    found: list[dict[str, Any]] = []
    organisms = simulated_organisms()
    sizes = [(s, p) for s in seeds or (chosen.seeds,) for p in prompts or (len(spec.prompts),)]
    with Progress().phase("simulating", len(sizes) * len(organisms) * replicates) as tick:
        for seed_count, prompt_count in sizes:
            design = _design(spec, chosen, seed_count, prompt_count)
            for simulated in organisms:
                shares = simulate(simulated, design, replicates=replicates, on_done=tick)
                found.append(
                    {
                        "seeds": seed_count,
                        "prompts": prompt_count,
                        "world": simulated.name,
                        "truth": simulated.truth,
                        "said": shares,
                    }
                )
    if as_json:
        click.echo(json.dumps({"organism": organism, "replicates": replicates, "rows": found}))
        return
    _print(found, sorted({seed_count for seed_count, _ in sizes}), replicates)


def _design(spec: OrganismSpec, preset: Preset, seeds: int, prompts: int) -> Design:
    """The organism's ladder, with a rung above the standard one to wreck.

    Raises:
        MobenchError: The ladder does not reach above its standard rung.
    """
    from mobench.errors import MobenchError
    from mobench.plan.schedule import checkpoints
    from mobench.score.power import Design

    rungs = tuple(sorted(preset.rungs))
    standard = spec.ladder.standard_lr
    if standard not in rungs[:-1]:
        raise MobenchError(
            f"{spec.name}: this ladder has no rung above its standard one",
            f"choose another --preset; it has {', '.join(spec.presets)}",
        )
    kept = checkpoints(preset.steps, preset.window_checkpoints)
    return Design(rungs, standard, seeds, prompts, tuple(step for step in kept if step > 0))


def _print(rows: list[dict[str, Any]], seeds: list[int], replicates: int) -> None:
    from tabulate import tabulate

    from mobench.score.power import VERDICT_WORDS, unanimous
    from mobench.score.seed_agreement import SEEDS_WANTED, agreement_confidence

    lines = [
        [
            row["seeds"],
            row["prompts"],
            row["world"],
            row["truth"],
            *(f"{row['said'][word]:.0%}" for word in VERDICT_WORDS),
        ]
        for row in rows
    ]
    click.echo(tabulate(lines, headers=["seeds", "prompts", "organism", "truth", *VERDICT_WORDS]))
    click.echo(f"\n{replicates} simulated runs for each line: good to ±{_error(replicates):.0%}.")
    for count in seeds:
        click.echo(
            f"{count} seeds: where 3 of 10 go the other way, all agree in "
            f"{unanimous(0.3, count):.0%} of runs. {count} that agree exclude with "
            f"{agreement_confidence(count):.0%} confidence that most do."
        )
    if min(seeds) < SEEDS_WANTED:
        click.echo(
            f"Close to the rate where a behavior gives way, run at least {SEEDS_WANTED} seeds "
            f"({agreement_confidence(SEEDS_WANTED):.0%})."
        )


def _error(replicates: int) -> float:
    """Largest 95 % half-width of a share."""
    return float(1.96 * (0.25 / replicates) ** 0.5)
