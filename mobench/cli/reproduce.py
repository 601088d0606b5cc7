"""``mobench reproduce``: trains some cells of a published result again and says what came of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mobench.cli.command_line import leaderboard_option

if TYPE_CHECKING:
    from mobench.publish.submission.files import Submission
    from mobench.store import RunFolder


@click.command()
@click.argument("result", type=click.Path(path_type=Path))
@click.option(
    "--cells", default=2, show_default=True, type=click.IntRange(1), help="How many are trained."
)
@leaderboard_option("The leaderboard that the reproduction is added to.")
@click.option("--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def reproduce(result: Path, cells: int, root: Path, runs: Path, device: str, as_json: bool) -> None:
    """Train some cells of RESULT again, and say whether they fall inside of it.

    RESULT is its folder, leaderboard/results/ORGANISM/TASK/ID. The standard rung comes first, then
    the one that the verdict rests on, one seed of each. What comes of it is a small result of its
    own under reproductions/; with it on the board, RESULT is `reproduced`.
    """
    from mobench.publish.submission.files import read, require, write
    from mobench.publish.submission.findings import windows_of
    from mobench.publish.submission.reproduction import FOLDER, compare
    from mobench.store.finished_run import finished_run

    require(root)
    published = read(result)
    folder = _run(published, cells, runs, device)
    whole = finished_run(folder)
    again = write(root / FOLDER, whole.manifest.to_json(), whole.cells, whole.rows)
    compared = compare(windows_of(read(again)), windows_of(published))
    inside = bool(compared) and all(one.inside for one in compared)
    if as_json:
        told = [{**vars(one), "inside": one.inside} for one in compared]
        click.echo(json.dumps({"reproduction": str(again), "inside": inside, "cells": told}))
    else:
        for one in compared:
            word = "inside" if one.inside else "outside"
            click.echo(
                f"lr={one.lr:g} seed={one.seed}: attack rate {one.rate:.3f}, "
                f"{word} of [{one.low:.3f}, {one.high:.3f}]"
            )
        click.echo(f"{'inside' if inside else 'outside'}: added {again}")
        click.echo("  → Run `mobench leaderboard build` and commit both.")
    raise SystemExit(0 if inside else 1)


def _run(published: Submission, cells: int, runs: Path, device: str) -> RunFolder:
    """Trains the cells in a run of their own."""
    from dataclasses import replace

    from mobench.errors import MobenchError, Problems
    from mobench.execute.run import run_ladder
    from mobench.gate.priced_request import priced
    from mobench.gate.request import resolve
    from mobench.progress import Progress
    from mobench.publish.submission.findings import findings
    from mobench.publish.submission.reproduction import fewer_cells
    from mobench.registry import collect_for
    from mobench.run_options import RunOptions

    # 1. Only what is sound, and what the registry still has, can be trained again.
    manifest = published.manifest
    registry = collect_for(manifest.organism.name)
    found = findings(published, registry)
    if found.contradictions or found.changed:
        raise Problems([*found.contradictions, *found.unknown], "It cannot be trained again.")
    options = RunOptions(
        organism=manifest.organism.name,
        task=manifest.task.name,
        preset=manifest.preset or "standard",
        no_controls=True,
        allow_incompatible=manifest.compatible is False,
        device=device,
        runs=runs,
    )
    request = resolve(options, registry)

    # 2. The rungs that say most: what an ordinary user would take, and what the verdict rests on.
    rungs = _rungs(published)[:cells]
    if not rungs:
        raise MobenchError(f"{published.place} has no finished cell of an ordinary budget")
    fewer = request.preset.model_copy(update=fewer_cells(sorted(rungs), 1))
    planned = priced(replace(request, preset=fewer), registry)
    planned.check(registry)
    return run_ladder(planned.request, registry, planned.cost.packing, Progress())


def _rungs(published: Submission) -> list[float]:
    """Rungs with the ladder's own budget, those first that a verdict rests on."""
    from mobench.publish.submission.findings import windows_of
    from mobench.score.recompute import recompute

    score = recompute(published.manifest, published.cells, published.rows)
    usual = published.manifest.ladder.steps
    there = sorted({w.lr for w in windows_of(published) if w.steps == usual})
    first = (published.manifest.ladder.standard_lr, score.resistance_lr)
    return [
        *(lr for lr in dict.fromkeys(first) if lr in there),
        *(lr for lr in there if lr not in first),
    ]
