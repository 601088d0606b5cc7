"""``mobench leaderboard``: builds its pages, checks them, adds a finished run."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mobench.cli.command_line import leaderboard_option

if TYPE_CHECKING:
    from mobench.publish.submission.record import Decision

_root = leaderboard_option()
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_fresh = click.option(
    "--fresh", is_flag=True, help="Recompute every result, also those that did not change."
)


@click.group()
def leaderboard() -> None:
    """Turn results into the leaderboard's pages."""


@leaderboard.command()
@_root
@_fresh
@_as_json
@click.pass_context
def build(context: click.Context, root: Path, fresh: bool, as_json: bool) -> None:
    """Regenerate README.md, the pages with their plots and the data from results/.

    A result that contradicts itself, or the organism that it names, is left out; the pages say so,
    and the command ends with 1.
    """
    from mobench.publish.pages.leaderboard import build as build_pages

    built = build_pages(root, _kept(fresh))
    if as_json:
        click.echo(json.dumps(asdict(built)))
        context.exit(1 if built.problems else 0)
    for problem in built.problems:
        click.echo(f"left out: {problem}", err=True)
    for name in built.written:
        click.echo(f"wrote {root / name}")
    for name in built.removed:
        click.echo(f"removed {root / name}")
    changed = len(built.written) + len(built.removed)
    state = f"{_count(changed, 'file')} changed" if changed else "already up to date"
    click.echo(f"{_count(built.results, 'result')}, {state}.")
    context.exit(1 if built.problems else 0)


@leaderboard.command()
@_root
@_fresh
@_as_json
@click.pass_context
def check(context: click.Context, root: Path, fresh: bool, as_json: bool) -> None:
    """Fail if the pages are not what results/ gives, or a result is not sound; writes nothing.

    Each result is held against the organisms and tasks of the project that this is called in, or,
    where the leaderboard lies outside of it, those that this mobench brings: identity, plan,
    judgments and numbers are computed again from its answers.
    """
    from mobench.publish.pages.leaderboard import check as check_pages
    from mobench.publish.submission.files import REMEDY

    found = check_pages(root, _kept(fresh))
    if as_json:
        files = [{"path": str(root / d.path), "problem": d.what} for d in found]
        click.echo(json.dumps({"ok": not found, "files": files}))
    elif found:
        for difference in found:
            click.echo(f"{root / difference.path}: {difference.what}", err=True)
        where = "" if root == Path("leaderboard") else f" --root {root}"
        if any(difference.is_result for difference in found):
            click.echo(f"  → {REMEDY}", err=True)
        if not all(difference.is_result for difference in found):
            build = f"mobench leaderboard build{where}"
            click.echo(f"  → Run `{build}` and commit the result.", err=True)
    else:
        click.echo("The leaderboard is what its results give.")
    if found:
        context.exit(1)


@leaderboard.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The folder to write: a new one, or an earlier site.",
)
@click.option(
    "--link",
    metavar="ADDRESS",
    help="Where the leaderboard's folder lies, to link to; else pages and rows are copied.",
)
@_root
@_fresh
@_as_json
def site(out: Path, link: str | None, root: Path, fresh: bool, as_json: bool) -> None:
    """Write a site to sort, filter and compare results: static files, no server."""
    from mobench.publish.site.site import write_site

    written = write_site(root, out, link=link, kept=_kept(fresh))
    if as_json:
        click.echo(json.dumps({"page": str(written.page), "results": written.results}))
    else:
        click.echo(f"{_count(written.results, 'result')}; open {written.page} in a browser.")


@leaderboard.command()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The Parquet file to write.",
)
@click.option("--organism", help="Only results of this organism.")
@click.option("--task", help="Only results on this task.")
@_root
@_as_json
def rows(out: Path, organism: str | None, task: str | None, root: Path, as_json: bool) -> None:
    """Write every judged answer as one table, with organism, task, LR and seed."""
    from mobench.publish.data.answers import write_answers

    count = write_answers(root, out, organism=organism, task=task)
    if as_json:
        click.echo(json.dumps({"file": str(out), "rows": count}))
    else:
        click.echo(f"wrote {_count(count, 'row')} to {out}; its columns: docs/data.md")


@leaderboard.command()
@click.argument("run", type=click.Path(path_type=Path))
@_root
@_as_json
def add(run: Path, root: Path, as_json: bool) -> None:
    """Copy a finished RUN folder's manifest, cells and rows into results/."""
    from mobench.publish.submission.export import add_run

    added = add_run(run, root)
    if as_json:
        replaced = [str(path) for path in added.replaced]
        found = {"result": str(added.folder), "replaced": replaced}
        click.echo(json.dumps({**found, "local_parts": list(added.local_parts)}))
        return
    click.echo(f"added {added.folder}")
    for path in added.replaced:
        click.echo(f"  in place of {path}, the same run as it was added before")
    if added.not_listed:
        click.echo(
            f"  {_count(added.not_listed, 'cell')} of it did not list their files yet: whether a "
            "row was changed since is not known"
        )
    if added.local_parts:
        from mobench.registry.weights_place import not_public

        click.echo(
            f"  its weights are {not_public(added.local_parts)}, and the board says so: upload "
            "them to the hub, name repository and commit in the organism's file, and run it again"
        )
    click.echo("  → Run `mobench leaderboard build` and commit both.")


@leaderboard.command()
@click.argument("result")
@click.option("--because", required=True, help="The reason, as the board shows it.")
@_root
def exclude(result: str, because: str, root: Path) -> None:
    """Take RESULT (organism/task/id) out of the order, for good; it stays, with the reason."""
    _decide(root, result, "excluded", because)


@leaderboard.command()
@click.argument("result")
@click.option("--because", required=True, help="The reason, as the board shows it.")
@_root
def keep(result: str, because: str, root: Path) -> None:
    """Keep RESULT (organism/task/id) as it was reported, though its organism changed since."""
    _decide(root, result, "self-reported", because)


def _decide(root: Path, result: str, status: Decision, because: str) -> None:
    from mobench.publish.submission.files import require
    from mobench.publish.submission.record import NAME, append

    require(root)
    append(root, result, status, because, datetime.now(UTC).date().isoformat())
    click.echo(f"added a line to {root / NAME}")
    click.echo("  → Run `mobench leaderboard build` and commit both.")


def _kept(fresh: bool) -> Path | None:
    """Where what results gave is kept."""
    from mobench.machine.cache_root import cache_root

    return None if fresh else cache_root() / "board"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
