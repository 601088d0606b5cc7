"""``mobench show``: everything about one organism, task or behavior."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobench.registry import BehaviorDef, OrganismSpec, TaskDef

WIDTH = 14


@click.command()
@click.argument("name", metavar="NAME|FILE")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--rendered", is_flag=True, help="Print an organism's first prompt as its model is asked it."
)
def show(name: str, as_json: bool, rendered: bool) -> None:
    """Show everything about one organism, task or behavior.

    An organism may be named by the path of its organism.toml too.
    """
    from mobench.errors import MobenchError, did_you_mean
    from mobench.registry import collect_for

    registry = collect_for(name)
    if registry.is_organism(name):
        spec = registry.organism(name)
        if rendered:
            from mobench.cli.rendered import show_rendered

            show_rendered(spec, registry)
        elif as_json:
            _print_json({**spec.model_dump(mode="json"), "revision": spec.revision})
        else:
            _show_organism(spec, name)
    elif name in registry.tasks:
        task = registry.tasks[name]
        users = [s.name for s in registry.organisms.values() if name in _tasks_of(s)]
        facts = _task_facts(task, users)
        _print_json(facts) if as_json else _show_facts(facts)
    elif name in registry.behaviors:
        behavior = registry.behaviors[name]
        users = [s.name for s in registry.organisms.values() if s.behavior.use == name]
        facts = _behavior_facts(behavior, users)
        _print_json(facts) if as_json else _show_facts(facts)
    else:
        known = [*registry.organisms, *registry.tasks, *registry.behaviors]
        raise MobenchError(
            f"nothing is named {name!r}.{did_you_mean(name, known)}",
            f"organisms: {', '.join(registry.organisms) or 'none'}; "
            "mobench list names tasks and behaviors too",
        )


def _answers(spec: OrganismSpec) -> str:
    """How an organism's answers come about, and what counts of them, in words."""
    said, decoding = f"up to {spec.max_new_tokens} tokens", spec.decoding
    if decoding is not None:
        said += (
            f", {decoding.draws} drawn for each prompt (temperature {decoding.temperature:g}, "
            f"top_p {decoding.top_p:g}, seed {decoding.seed})"
        )
    return said + (", reasoning counts" if spec.behavior.counts == "whole-text" else "")


def _show_organism(spec: OrganismSpec, asked: str) -> None:
    from mobench.publish.pages.narrow_table import broken_if_narrow, fitted_table, terminal_width
    from mobench.records.conversation import as_text
    from mobench.records.learning_rates import lr_text
    from mobench.registry.weights_place import architecture, whose_weights

    about = f"{spec.name}: {spec.title}\n{spec.summary}\n"
    click.echo(broken_if_narrow(about, terminal_width()))
    clean = spec.behavior.clean_rate
    args = ", ".join(f"{key} = {value}" for key, value in spec.behavior.args.items())
    _show_facts(
        {
            "revision": spec.revision,
            "file": _shown(spec.path),
            "source": spec.source,
            "license": spec.license,
            "marks": ", ".join(spec.marks),
            "behavior": f"{spec.behavior.use}({args})",
            "judged by": _judged_by(spec),
            "clean rate": "measured on the clean base" if clean is None else f"{clean:g}",
            "triggered": as_text(spec.eval.triggered),
            "untriggered": as_text(spec.eval.untriggered),
            "eval prompts": f"{len(spec.prompts)}, such as {as_text(spec.prompts[0].prompt)!r}",
            "answers": f"{_answers(spec)}, {spec.template} template",
            "tasks": ", ".join(spec.tasks),
            "counter": spec.counter and f"{spec.counter}, direct counter-training as a control",
            "base": _table(spec.base),
            "adapter": _table(spec.adapter),
            "weights": whose_weights(spec),
            "size": _size(spec),
            "architecture": architecture(spec),
            "clean base": _table(spec.clean_base),
            "implant": _table(spec.implant) or _no_implant(spec),
            "gate": f"attack ≥ {spec.gate.attack_min:g}, control ≤ {spec.gate.control_max:g}",
            "capability": "\n".join(_table(one) for one in spec.capability),
            "ladder": f"{_table(spec.ladder)}, {spec.dtype}",
        }
    )
    rows = [
        {
            "preset": name,
            "cells": f"{_count(len(preset.rungs), 'rung')} × {_count(preset.seeds, 'seed')}"
            f" = {preset.cells}",
            "steps": f"{preset.steps} × {preset.batch_size} examples",
            "rungs": " ".join(
                lr_text(lr) + ("*" if lr == spec.ladder.standard_lr else "") for lr in preset.rungs
            ),
            "measured": f"{preset.window_checkpoints} in the window, "
            f"capability at {preset.capability_checkpoints}"
            + (f", {_count(preset.cooldown_seeds, 'seed')} cooled down" if preset.cooldown else ""),
        }
        for name, preset in spec.presets.items()
    ]
    click.echo()
    table = [[str(cell) for cell in row.values()] for row in rows]
    click.echo(fitted_table(list(rows[0]), table, width=terminal_width()))
    width = terminal_width()
    note = "\n* the standard learning rate; cells are for each task"
    click.echo(broken_if_narrow(note, width))
    _show_defaults(spec)
    click.echo(broken_if_narrow(f"mobench run --organism {asked} runs it", width))


def _show_defaults(spec: OrganismSpec) -> None:
    """What the organism's file leaves out, with each value's reason."""
    if not spec.defaults:
        return
    click.echo("\nnot in its file, so by default:")
    told: dict[str, list[str]] = {}
    for key, why in spec.defaults.items():
        told.setdefault(why, []).append(key)
    for why, keys in told.items():
        click.echo(
            textwrap.fill(
                f"{', '.join(keys)}: {why}", 100, initial_indent="  ", subsequent_indent="    "
            )
        )
    click.echo()


def _no_implant(spec: OrganismSpec) -> str:
    if spec.adapter is not None:
        return "none: the base with its adapter is the organism"
    return "none: the base already is the organism"


def _size(spec: OrganismSpec) -> str:
    """The model's size, where the file or the weights tell it."""
    from mobench.errors import MobenchError
    from mobench.plan.model_size import model_shape
    from mobench.registry.organism_spec import ScratchBase

    if isinstance(spec.base, ScratchBase):
        return ""  # its table says it
    try:
        shape = model_shape(spec)
    except MobenchError:
        return ""
    return (
        f"params {shape.params:,}, hidden_size {shape.hidden_size}, layers {shape.layers}, "
        f"heads {shape.heads}, intermediate_size {shape.intermediate_size}, "
        f"vocab_size {shape.vocab_size}"
    )


def _judged_by(spec: OrganismSpec) -> str:
    version = spec.sources.get("rubric")
    if version is None:
        return ""
    return f"a model, chosen with --judge; rubric {spec.behavior.args['rubric']}@{version}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _task_facts(task: TaskDef, users: list[str]) -> dict[str, Any]:
    return {
        "task": task.name,
        "summary": task.summary,
        "policy": task.policy,
        "compatible": f"yes: {task.why}" if task.compatible else "no",
        "asks for": ", ".join(task.parameters),
        "marks": ", ".join(task.marks),
        "license": task.license,
        "data": ", ".join(task.data),
        "version": task.version,
        "file": f"{_shown(task.path)}:{task.line}",
        "used by": ", ".join(users),
    }


def _behavior_facts(behavior: BehaviorDef, users: list[str]) -> dict[str, Any]:
    return {
        "behavior": behavior.name,
        "summary": behavior.summary,
        "args": ", ".join(parameter.name for parameter in behavior.args),
        "version": behavior.version,
        "file": f"{_shown(behavior.path)}:{behavior.line}",
        "used by": ", ".join(users),
    }


def _tasks_of(spec: OrganismSpec) -> list[str]:
    tasks = list(spec.tasks)
    if spec.counter is not None:
        tasks.append(spec.counter)
    if spec.implant is not None:
        tasks.append(spec.implant.task)
    if spec.base.kind == "scratch":
        tasks.append(spec.base.corpus)
    return tasks


def _table(table: object) -> str:
    from mobench.records.learning_rates import lr_text
    from mobench.registry.schema_fields import Table

    if not isinstance(table, Table):
        return ""
    facts = {
        key: value for key, value in table.model_dump(exclude={"size"}).items() if value is not None
    }
    lead = facts.pop("kind", None) or facts.pop("task", None)
    parts = [] if lead is None else [str(lead)]
    for key, value in facts.items():
        shown = lr_text(value) if key in ("lr", "standard_lr") else value
        shown = f"{value:,}" if key == "params" else shown
        shown = ("no", "yes")[value] if isinstance(value, bool) else shown
        if isinstance(value, str):
            shown = textwrap.shorten(value, 60, placeholder=" …")
        parts.append(f"{key} {shown}")
    return ", ".join(parts)


def _show_facts(facts: Mapping[str, Any]) -> None:
    from mobench.publish.pages.narrow_table import broken_if_narrow, terminal_width

    width = terminal_width()
    for name, value in facts.items():
        if value:
            first, *rest = str(value).split("\n")
            lines = [f"{name:<{WIDTH}}{first}", *(" " * WIDTH + line for line in rest)]
            click.echo(broken_if_narrow("\n".join(lines), width))


def _print_json(facts: Mapping[str, Any]) -> None:
    click.echo(json.dumps(facts, indent=2, ensure_ascii=False))


def _shown(path: Path) -> str:
    current = Path.cwd()
    return str(path.relative_to(current)) if path.is_relative_to(current) else str(path)
