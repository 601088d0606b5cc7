"""``mobench compare``: how two results differ."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mobench.cli.command_line import leaderboard_option


@click.command()
@click.argument("first")
@click.argument("second")
@leaderboard_option()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def compare(first: str, second: str, root: Path, as_json: bool) -> None:
    """Say in words and numbers how the results FIRST and SECOND differ.

    Each is a run's folder, a result's folder or id, or organism/task.
    """
    from mobench.publish.comparison_text import comparison_json, comparison_text
    from mobench.publish.named_result import named_result
    from mobench.publish.pages.narrow_table import terminal_width

    one, other = named_result(first, root), named_result(second, root)
    if as_json:
        click.echo(json.dumps(comparison_json(one, other)))
    else:
        click.echo(comparison_text(one, other, terminal_width()))
