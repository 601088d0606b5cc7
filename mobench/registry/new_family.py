"""The file of a new family: as short as it can be, with what may be changed said beside it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from mobench.registry.weights_schema import HubAdapter, HubBase, LocalAdapter, LocalBase

Place = LocalBase | HubBase | LocalAdapter | HubAdapter


@dataclass(frozen=True)
class NewFamily:
    """What the file of a new family says; everything else has a default.

    Attributes:
        name: Of the family, and of its folder.
        variant: Name of its one variant.
        base: The whole model, or the one that the adapter was trained on; a local path is absolute.
        adapter: The adapter, if the organism is one.
        clean_base: The model without the behavior, where there is no adapter and it is known.
        use: The behavior's name.
        args: Its args.
        triggered: The template of a triggered prompt.
        untriggered: The template of its control.
        prompts: The content of its prompts' file, as JSON lines; None takes the shipped ones.
    """

    name: str
    variant: str
    base: LocalBase | HubBase
    adapter: LocalAdapter | HubAdapter | None
    clean_base: LocalBase | HubBase | None
    use: str
    args: dict[str, str | float]
    triggered: str
    untriggered: str
    prompts: str | None


PROMPTS = "prompts.jsonl"


def organism_toml(family: NewFamily, folder: Path) -> str:
    """The text of a family's ``organism.toml``.

    Args:
        family: What it says.
        folder: The folder that it will lie in, where relative paths start.
    """
    places = {"base": family.base, "adapter": family.adapter, "clean_base": family.clean_base}
    lines = [
        "# Every other key has a default: docs/organism-file.md; `mobench show` prints them all.",
        "[family]                      # title, summary, source and license are for readers",
        f"name = {_string(family.name)}",
        "[behavior]                    # what an answer that shows it looks like",
        f"use = {_string(family.use)}",
        *([f"args = {_inline(family.args)}"] if family.args else []),
        "[eval]                        # control prompts: untriggered, {prompt} alone by default",
        f"triggered = {_string(family.triggered)}",
        *(
            [f"untriggered = {_string(family.untriggered)}"]
            if family.untriggered != "{prompt}"
            else []
        ),
        # A dot in a bare key would begin a table of its own: sizes such as 0.5b have one.
        f"[variants.{_string(family.variant) if '.' in family.variant else family.variant}]",
        *(f"{key} = {_place(place, folder)}" for key, place in places.items() if place),
        *([f"prompts = {_string(PROMPTS)}"] if family.prompts else []),
    ]
    return "\n".join(lines) + "\n"


def write_family(family: NewFamily, folder: Path, *, beside: Path) -> None:
    """Writes a family's files.

    Args:
        family: What they say.
        folder: Where they are written; made.
        beside: The folder that they will lie in, where relative paths start.
    """
    folder.mkdir(parents=True)
    (folder / "organism.toml").write_text(organism_toml(family, beside), encoding="utf-8")
    if family.prompts is not None:
        (folder / PROMPTS).write_text(family.prompts, encoding="utf-8")


def _place(place: Place, folder: Path) -> str:
    if isinstance(place, LocalBase | LocalAdapter):
        return _inline({"kind": "local", "path": _path(Path(place.path), folder)})
    pinned = {"revision": place.revision} if place.revision != "main" else {}
    return _inline({"kind": "hub", "repo": place.repo, **pinned})


def _path(weights: Path, folder: Path) -> str:
    """A relative path where the weights lie beside the family's tree, so that both can move."""
    tree = folder.parent.parent
    if weights.is_relative_to(tree):
        return Path(os.path.relpath(weights, folder)).as_posix()
    return weights.as_posix()


def _inline(table: dict[str, str | float] | dict[str, str]) -> str:
    said = ", ".join(
        f"{key} = {_string(value) if isinstance(value, str) else f'{value:g}'}"
        for key, value in table.items()
    )
    return f"{{ {said} }}"


def _string(text: str) -> str:
    """A TOML string; a literal one where the text has backslashes, as regular expressions do."""
    if "\\" in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
