"""``mobench report``: everything a run says, recomputed from its rows."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the score as JSON.")
def report(folder: Path, as_json: bool) -> None:
    """Reprint table, verdict and plot of a run FOLDER; nothing is trained or measured."""
    from mobench.publish.pages.run_report import show_run
    from mobench.store import RunFolder

    show_run(RunFolder(folder.absolute()), as_json=as_json)
