"""``mobench clean``: what nothing needs any more, shown and removed."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mobench.cli.command_line import leaderboard_option

UNITS = ("bytes", "KiB", "MiB", "GiB")


@click.command()
@click.option(
    "--runs",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder that holds run folders.",
)
@leaderboard_option()
@click.option("--yes", is_flag=True, help="Remove it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def clean(runs: Path, root: Path, yes: bool, as_json: bool) -> None:
    """Show what killed commands and finished runs left behind, and remove it with --yes.

    That is: organisms half-built and files half-written by processes that are gone, states of packs
    that are trained, checkpoints that were not to be kept. No result, no built organism, and
    nothing that you gave.
    """
    from mobench.machine.cache_root import cache_root
    from mobench.store.leftovers import leftovers

    found = leftovers(cache_root(), runs, root)
    if yes:
        for one in found:
            one.remove()
    if as_json:
        listed = [{"path": str(one.path), "why": one.why, "bytes": one.bytes} for one in found]
        click.echo(json.dumps({"removed": yes, "left": listed}))
        return
    for one in found:
        click.echo(f"{'removed ' if yes else ''}{one.path}  ({one.why}, {_amount(one.bytes)})")
    total = _amount(sum(one.bytes for one in found))
    if not found:
        click.echo("There is nothing that is not needed.")
    elif yes:
        click.echo(f"{total} are free again.")
    else:
        click.echo(f"{total} in all. Nothing was removed: `mobench clean --yes` does.")


def _amount(count: float) -> str:
    for unit in UNITS:
        if count < 1024 or unit == UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == UNITS[0] else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError
