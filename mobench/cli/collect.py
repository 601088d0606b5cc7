"""``mobench collect``: lists node ids, as ``pytest --collect-only`` lists tests."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("-k", "keywords", default="", metavar="EXPR", help="Ids or marks that contain words.")
@click.option("-m", "marks", default="", metavar="EXPR", help="Ids whose marks satisfy this.")
@click.option("--preset", default="standard", show_default=True, help="Whose rungs and seeds.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def collect(keywords: str, marks: str, preset: str, as_json: bool) -> None:
    r"""List the ids of all runs that could be made.

    EXPR joins words with and, or, not and parentheses:

    \b
      mobench collect -k "tiny and not seed=0"
      mobench collect -m "cpu or tiny"

    Where files are wrong, it lists every problem in full; other commands count those of one cause.

    It runs the Python files under organisms/ and tasks/: read them first where they are not yours.
    """
    from mobench.errors import MobenchError, Problems, did_you_mean
    from mobench.registry import collect as collect_all
    from mobench.registry import nodes_of, select

    try:
        registry = collect_all()
    except Problems as problems:
        raise MobenchError(problems.in_full) from problems
    presets = {name for spec in registry.organisms.values() for name in spec.presets}
    if preset not in presets:
        raise MobenchError(
            f"no organism has a preset {preset!r}.{did_you_mean(preset, presets)}",
            f"presets: {', '.join(sorted(presets)) or 'none'}",
        )
    nodes = nodes_of(registry.organisms.values(), registry.tasks, preset)
    selected = select(nodes, registry.marks, keywords, marks)
    deselected = len(nodes) - len(selected)
    if as_json:
        cells = [
            {
                "id": node.id,
                "organism": node.organism,
                "task": node.task,
                "method": node.method,
                "lr": node.lr,
                "seed": node.seed,
                "marks": sorted(node.marks),
            }
            for node in selected
        ]
        summary = {"cells": cells, "selected": len(selected), "deselected": deselected}
        click.echo(json.dumps(summary, indent=2))
        return
    for node in selected:
        click.echo(node.id)
    noun = "cell" if len(selected) == 1 else "cells"
    click.echo(f"\n{len(selected)} {noun} selected, {deselected} deselected")
