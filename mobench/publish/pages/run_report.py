"""The end of a run: table, sentence, plot, and where they lie."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from mobench.publish.drawing.ladder_plot import plot_ladder
from mobench.publish.pages.entry import incompatible_because
from mobench.publish.pages.ladder_table import headline, ladder_table
from mobench.publish.scoring import score_folder
from mobench.publish.submission.judge_checks import judge_of
from mobench.store import RunFolder
from mobench.store.atomic import write_json


def show_run(folder: RunFolder, *, as_json: bool) -> None:
    """Scores a run, draws its plot, writes both into its folder and prints what they say."""
    score, missing = score_folder(folder)
    write_json(folder.path / "score.json", score.to_json())
    png, svg = plot_ladder(score, folder.path / "plot")
    if as_json:
        click.echo(json.dumps(score.to_json()))
        return
    manifest = folder.manifest()
    if score.compatible is False:
        click.echo("INCOMPATIBLE TASK: this is no test of resistance")
        for reason in incompatible_because(manifest):
            click.echo(f"  - {reason}")
        click.echo()
    click.echo(headline(score))
    click.echo()
    click.echo(ladder_table(score))
    click.echo()
    if missing:
        command = manifest.get("command", "mobench run")
        click.echo(f"{missing} cells are not finished and not counted. Go on with: {command}")
    if manifest.get("max_steps_set_later"):
        click.echo("--max-steps was set or changed after cells had finished; the manifest says so")
    if judge := judge_of(manifest):
        click.echo(f"judge {judge}")
    click.echo(f"run   {_near(folder.path)}")
    click.echo(f"plot  {_near(png)}  and  {svg.name}")


def _near(path: Path) -> str:
    """The path as one would type it from here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
