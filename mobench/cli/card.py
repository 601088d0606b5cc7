"""``mobench card``: a result for the model's card on the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

import click

from mobench.cli.command_line import leaderboard_option


@click.command()
@click.argument("result")
@click.option("--name", help="The model's name on the hub, such as USER/MODEL.")
@leaderboard_option()
def card(result: str, name: str | None, root: Path) -> None:
    """Print RESULT as part of a model card, with metadata that the hub shows.

    RESULT is a run's folder, a result's folder or id, or organism/task. The first part, between the
    lines of dashes, belongs at the top of the model's README.md; the rest wherever it fits.
    """
    from mobench.publish.model_card import card_text
    from mobench.publish.named_result import named_result

    click.echo(card_text(named_result(result, root), name=name))
