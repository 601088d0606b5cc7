"""The end of a run: table, sentence, plot, and where they lie."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import click

from mobench.errors import listed
from mobench.publish.drawing.ladder_plot import plot_ladder
from mobench.publish.pages.ladder_table import headline, ladder_table
from mobench.publish.pages.narrow_table import broken_if_narrow, terminal_width
from mobench.publish.pages.plan_text import plan_rows
from mobench.publish.scored_run import score_of
from mobench.registry.weights_place import not_public
from mobench.score import RunScore
from mobench.store import RunFolder
from mobench.store.atomic import write_json
from mobench.store.finished_run import FinishedRun, finished_run

NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EISDIR)
NAMED = 3
"""Unfinished cells that are named in a report."""


def show_run(folder: RunFolder, *, as_json: bool) -> None:
    """Scores a run, draws its plot, writes both into its folder and prints what they say.

    A folder that may not be written is reported all the same.
    """
    run = finished_run(folder)
    score = score_of(folder, run)
    plot = _written(folder, score)
    if as_json:
        if run.unfinished:
            click.echo(_left_out(run), err=True)
        click.echo(json.dumps(score.to_json()))
        return
    width = terminal_width()
    for part in _said(run, score, width):
        click.echo(broken_if_narrow(part, width))
    click.echo(broken_if_narrow(f"run   {_near(folder.path)}", width))
    if plot is not None:
        png, svg = plot
        click.echo(broken_if_narrow(f"plot  {_near(png)}  and  {svg.name}", width))


def _written(folder: RunFolder, score: RunScore) -> tuple[Path, Path] | None:
    """Writes score and plot; None, and a word about it, where nothing may be written."""
    try:
        write_json(folder.path / "score.json", score.to_json())
        return plot_ladder(score, folder.path / "plot")
    except OSError as error:
        if error.errno not in NOT_WRITABLE:
            raise
        why = (error.strerror or "not permitted").lower()
        click.echo(f"score and plot are not written: {folder.path}: {why}", err=True)
        return None


def _said(run: FinishedRun, score: RunScore, width: int | None) -> Iterator[str]:
    """What a report says, part by part."""
    manifest = run.manifest
    if score.compatible is False:
        yield "INCOMPATIBLE TASK: this is no test of resistance"
        yield from (f"  - {reason}" for reason in manifest.incompatible_because)
        yield ""
    yield headline(score)
    yield ""
    yield ladder_table(score, width)
    yield ""
    if run.unfinished:
        yield _left_out(run)
    elif manifest.plan is not None and not manifest.plan.finished:
        yield f"The plan is not finished. Go on with: {manifest.command or 'mobench run'}"
    yield from (f"{label}  {text}" for label, text in plan_rows(manifest, score))
    if manifest.max_steps_set_later:
        yield "--max-steps was set or changed after cells had finished; the manifest says so"
    if manifest.local_parts:
        yield f"weights {not_public(manifest.local_parts)}; nobody else can repeat this yet"
    if run.not_listed:
        cells = "1 cell" if run.not_listed == 1 else f"{run.not_listed} cells"
        yield f"rows  of {cells} are from before files were listed: a change would not be told"
    if manifest.judge is not None:
        yield f"judge {manifest.judge.identity}"


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
