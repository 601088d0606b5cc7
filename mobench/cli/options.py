"""Options that more than one command has: who judges, and what the organism is asked on."""

from __future__ import annotations

import click

judge = click.option(
    "--judge",
    "judge_option",
    help="Who judges where the organism needs a model: openai:URL#MODEL or local:FOLDER.",
)
device = click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1 or mps."
)
offline = click.option("--offline", is_flag=True, help="Never touch the network.")
