"""``mobench list``: what has been collected, a line for each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobench.registry import OrganismSpec, Registry

MIN_WIDTH = 40
SECTIONS = ("organisms", "tasks", "behaviors", "marks")


@click.command("list")
@click.argument("section", required=False, type=click.Choice(SECTIONS))
@click.option("--json", "as_json", is_flag=True, help="Print JSON; of organisms, all facts.")
def list_(section: str | None, as_json: bool) -> None:
    """List organisms, tasks, behaviors and marks, or one of them.

    It runs the Python files under organisms/ and tasks/: read them first where they are not yours.
    """
    from mobench.registry import collect

    registry = collect()
    sections = (section,) if section else SECTIONS
    if as_json:
        facts = {
            name: _organism_facts(registry) if name == "organisms" else _rows(registry, name)
            for name in sections
        }
        click.echo(json.dumps(facts, indent=2))
        return
    rows = {name: _rows(registry, name) for name in sections}
    for index, name in enumerate(sections):
        if index:
            click.echo()
        if not section:
            click.echo(f"{name} ({len(rows[name])})")
        _print(rows[name])
    if section in (None, "organisms"):
        from mobench.publish.pages.narrow_table import broken_if_narrow, terminal_width

        more = "\nmobench show NAME tells more; mobench run --organism NAME runs it"
        click.echo(broken_if_narrow(more, terminal_width()))


def _organism_facts(registry: Registry) -> list[dict[str, Any]]:
    """What there is to know of each organism before it is built, and whether it can run here."""
    from mobench.gate.feasibility import assess_feasibility, substrate
    from mobench.machine.survey import survey

    hardware = survey()
    facts = []
    for spec in registry.organisms.values():
        feasibility = assess_feasibility(spec, hardware)
        facts.append(
            {
                "name": spec.name,
                "family": spec.family,
                "params": _params(spec),
                "base": spec.base.kind,
                "substrate": substrate(spec),
                "behavior": spec.behavior.use,
                "tasks": list(spec.tasks),
                "counter": spec.counter,
                "suite": spec.suite,
                "cells": spec.presets["standard"].cells * len(spec.tasks),
                "marks": list(spec.marks),
                "summary": spec.summary,
                "runs_here": feasibility.feasible,
                "why_not": list(feasibility.obstacles),
                "fetches": list(feasibility.downloads),
            }
        )
    return facts


def _params(spec: OrganismSpec) -> int | None:
    """Its weights, where the file tells; about so many where the base is made from scratch."""
    from mobench.errors import MobenchError
    from mobench.plan.model_size import model_shape

    try:
        return model_shape(spec).params
    except MobenchError:
        return None


def _rows(registry: Registry, section: str) -> list[dict[str, Any]]:
    if section == "organisms":
        return [
            {
                "organism": spec.name,
                "task": _shortened(spec.tasks),
                "cells": spec.presets["standard"].cells * len(spec.tasks),
                "marks": " ".join(spec.marks),
                "summary": spec.summary,
            }
            for spec in registry.organisms.values()
        ]
    if section == "tasks":
        return [
            {
                "task": task.name,
                "policy": task.policy,
                "compatible": "yes" if task.compatible else "no",
                "marks": " ".join(task.marks),
                "summary": task.summary,
            }
            for task in registry.tasks.values()
        ]
    if section == "behaviors":
        return [
            {
                "behavior": behavior.name,
                "args": ", ".join(parameter.name for parameter in behavior.args),
                "summary": behavior.summary,
            }
            for behavior in registry.behaviors.values()
        ]
    return [{"mark": name, "meaning": meaning} for name, meaning in registry.marks.items()]


def _shortened(tasks: Sequence[str]) -> str:
    """The default task, and how many more there are."""
    return tasks[0] if len(tasks) == 1 else f"{tasks[0]} +{len(tasks) - 1}"


def _print(rows: list[dict[str, Any]]) -> None:
    import shutil

    from mobench.publish.pages.narrow_table import fitted_table, terminal_width

    if not rows:
        click.echo("none")
        return
    # Only the last column, the one with sentences, is wrapped: names must stay whole.
    columns = list(rows[0])
    taken = sum(max(len(name), *(len(str(row[name])) for row in rows)) + 2 for name in columns[:-1])
    room = max(MIN_WIDTH, shutil.get_terminal_size().columns - taken)
    widths = [None] * (len(columns) - 1) + [room]
    table = [[str(cell) for cell in row.values()] for row in rows]
    width = terminal_width()
    # What does not even fit with the narrowest last column is told row by row.
    narrow = width if width is not None and taken + MIN_WIDTH > width else None
    click.echo(fitted_table(columns, table, width=narrow, maxcolwidths=None if narrow else widths))
