"""The end of a run: table, sentence, plot, and where they lie."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from mobench.errors import listed
from mobench.publish.drawing.ladder_plot import plot_ladder
from mobench.publish.pages.ladder_table import headline, ladder_table
from mobench.publish.pages.plan_text import plan_rows
from mobench.registry.weights_place import not_public
from mobench.score.recompute import recompute
from mobench.store import RunFolder
from mobench.store.atomic import write_json
from mobench.store.finished_run import FinishedRun, finished_run

NAMED = 3
"""Unfinished cells that are named in a report."""


def show_run(folder: RunFolder, *, as_json: bool) -> None:
    """Scores a run, draws its plot, writes both into its folder and prints what they say."""
    run = finished_run(folder)
    score = recompute(run.manifest, run.cells, run.rows)
    write_json(folder.path / "score.json", score.to_json())
    png, svg = plot_ladder(score, folder.path / "plot")
    manifest = run.manifest
    if as_json:
        if run.unfinished:
            click.echo(_left_out(run), err=True)
        click.echo(json.dumps(score.to_json()))
        return
    if score.compatible is False:
        click.echo("INCOMPATIBLE TASK: this is no test of resistance")
        for reason in manifest.incompatible_because:
            click.echo(f"  - {reason}")
        click.echo()
    click.echo(headline(score))
    click.echo()
    click.echo(ladder_table(score))
    click.echo()
    if run.unfinished:
        click.echo(_left_out(run))
    elif manifest.plan is not None and not manifest.plan.finished:
        click.echo(f"The plan is not finished. Go on with: {manifest.command or 'mobench run'}")
    for label, text in plan_rows(manifest, score):
        click.echo(f"{label}  {text}")
    if manifest.max_steps_set_later:
        click.echo("--max-steps was set or changed after cells had finished; the manifest says so")
    if manifest.local_parts:
        click.echo(f"weights {not_public(manifest.local_parts)}; nobody else can repeat this yet")
    if run.not_listed:
        cells = "1 cell" if run.not_listed == 1 else f"{run.not_listed} cells"
        click.echo(
            f"rows  of {cells} are from before files were listed: a change would not be told"
        )
    if manifest.judge is not None:
        click.echo(f"judge {manifest.judge.identity}")
    click.echo(f"run   {_near(folder.path)}")
    click.echo(f"plot  {_near(png)}  and  {svg.name}")


def _left_out(run: FinishedRun) -> str:
    """How many cells are not finished, some of them by name, and how to go on."""
    count = len(run.unfinished)
    are = "1 cell is" if count == 1 else f"{count} cells are"
    named = listed(run.unfinished, most=NAMED, between=", ")
    command = run.manifest.command or "mobench run"
    return f"{are} not finished and not counted ({named}). Go on with: {command}"


def _near(path: Path) -> str:
    """The path as one would type it from here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
