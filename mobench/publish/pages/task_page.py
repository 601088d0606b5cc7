"""The page of one organism and one task: the verdict first, then what it rests on."""

from __future__ import annotations

from collections.abc import Sequence

from mobench.publish.pages import markdown_escape as escape
from mobench.publish.pages import number_format
from mobench.publish.pages.entry import NOT_RECORDED, Entry, recorded, with_history
from mobench.publish.pages.front_page import MARKER
from mobench.publish.pages.github_table import github_table
from mobench.publish.pages.recipe_builds import built_apart
from mobench.publish.pages.result_section import result_section
from mobench.registry.weights_place import not_public


def task_page(entries: Sequence[Entry], others: Sequence[str] = ()) -> str:
    """Writes ``leaderboard/organisms/<organism>/<task>.md``.

    Args:
        entries: All results of one organism on one task, at least one. The newest one's
            description of the organism is used.
        others: Other tasks of the organism that have a page.
    """
    newest = max(entries, key=_age)
    name, task = newest.submission.organism, newest.submission.task
    builds = built_apart(entries)
    ordered = sorted(with_history(entries), key=lambda e: e.submission.place)
    parts = [f"<!-- {MARKER} -->", f"# {escape.inline(name)} on {escape.inline(task)}"]
    current = [entry for entry in ordered if not entry.superseded]
    if len(current) > 1:
        links = ", ".join(f"[{_short(entry)}](#{entry.submission.id})" for entry in current)
        parts.append(f"{len(current)} results: {links}.")
    for entry in current:
        parts += result_section(entry, build=builds.get(entry.submission.place))
    history = [entry for entry in ordered if entry.superseded]
    if history:
        parts.append("## Earlier results")
        parts.append("Those with a sequential plan take the place of these.")
    for entry in history:
        parts.append(f"<details><summary>Result {entry.submission.id}</summary>")
        parts += result_section(entry, build=builds.get(entry.submission.place))
        parts.append("</details>")
    parts += _organism(newest)
    if others:
        links = ", ".join(f"[{escape.inline(other)}]({other}.md)" for other in sorted(others))
        parts.append(f"{escape.inline(name)} on other tasks: {links}")
    parts.append("[All organisms](../../README.md)")
    return "\n\n".join(part for part in parts if part) + "\n"


def _age(entry: Entry) -> tuple[str, str]:
    return entry.manifest.created or "", entry.submission.place


def _short(entry: Entry) -> str:
    """A result in a line that lists several."""
    value = number_format.interval(entry.score.resistance)
    return f"{escape.inline(entry.score.verdict.phrase)}, resistance {escape.inline(value)}"


def _organism(entry: Entry) -> list[str]:
    """What the organism is."""
    organism = entry.manifest.organism
    size = NOT_RECORDED if organism.params is None else number_format.parameters(organism.params)
    facts = [
        ("name", f"`{organism.name}`"),
        ("parameters", size),
        ("source", escape.inline(recorded(organism.source))),
        ("license", escape.inline(recorded(organism.license))),
    ]
    local = entry.manifest.local_parts
    if local:
        facts.append(("weights", f"{not_public(local)}, so nobody else can repeat this"))
    return [
        f"## The organism{': ' + escape.inline(organism.title) if organism.title else ''}",
        escape.inline(organism.summary or ""),
        github_table(("organism", ""), facts),
    ]
