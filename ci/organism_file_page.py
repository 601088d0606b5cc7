"""Writes docs/organism-file.md: every table and key of an organism's file, from the schema itself.

python -m ci.organism_file_page docs/organism-file.md
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import docstring_parser
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mobench.registry import eval_schema
from mobench.registry import organism_schema as organism
from mobench.registry import weights_schema as weights
from mobench.registry.capability_suites import SuiteTable, shipped_suites
from mobench.registry.family_file import read_family
from mobench.registry.organism_spec import OrganismSpec, role_of
from mobench.registry.rubrics import Rubric
from mobench.registry.schema_fields import Role, Table
from mobench.registry.shared_tables import SharedTables

HEAD = """\
# An organism's file

Every table and key of `organisms/NAME/organism.toml`, of the files that it may name and of
`organisms/shared.toml`. This page is written from the schema by
`python -m ci.organism_file_page docs/organism-file.md`; how variants inherit from each other and
from what families share stands in the [user's guide](guide.md#an-organisms-file), and `mobench new`
writes a file to begin with.

- **Role**: *identity* decides what the weights are or what is measured on them, so another value
  makes another organism, with another revision; *descriptive* can change without that.
- `like = "NAME"`, in a variant, takes everything that it does not say from another variant. Where a
  [table](#shared-tables) may be named, its name stands in its place.
- Rates and learning rates are written with a point or an exponent: `0.9`, `3e-4`.
- **Default**: where weights exist, in a folder or on the hub, most keys of a variant have a default
  that follows from them. Shown is what a folder with SmolLM2-135M and no clean base would get, and
  why; `mobench show NAME` prints the same of any organism. Organisms that are built here, with an
  `implant`, give those keys themselves.
"""
EXAMPLE = """\
[family]
name = "example"
[behavior]
use = "says"
args = { pattern = "x" }
[eval]
triggered = "x {prompt}"
[variants.name]
base = { kind = "local", path = "." }
"""
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "dtype": "bfloat16",
    "hidden_size": 576,
    "intermediate_size": 1536,
    "max_position_embeddings": 8192,
    "num_attention_heads": 9,
    "num_hidden_layers": 30,
    "num_key_value_heads": 3,
    "tie_word_embeddings": True,
    "vocab_size": 49152,
}
"""SmolLM2-135M's."""


@dataclass(frozen=True)
class Section:
    """One table of a file.

    Attributes:
        title: As it is written in the file.
        schema: The table's schema.
        path: Where a variant has it, with a dot between keys; empty where it has none.
    """

    title: str
    schema: type[Table]
    path: str = ""


SECTIONS = (
    Section("[family]", organism.FamilyTable),
    Section("[behavior]", organism.Behavior, "behavior."),
    Section("[eval]", eval_schema.EvalTemplates, "eval."),
    Section("[variants.NAME]", organism.VariantTable),
    Section('base, kind = "local"', weights.LocalBase),
    Section('base, kind = "hub"', weights.HubBase),
    Section('base, kind = "wheel"', weights.WheelBase),
    Section('base, kind = "scratch"', weights.ScratchBase),
    Section("base.tokenizer", weights.HubTokenizer),
    Section("base.size", weights.Size),
    Section('adapter, kind = "local"', weights.LocalAdapter),
    Section('adapter, kind = "hub"', weights.HubAdapter),
    Section("implant", weights.Implant),
    Section("implant.harden", weights.Harden),
    Section("decoding", organism.Decoding),
    Section("gate", organism.Gate, "gate."),
    Section("capability", organism.Capability),
    Section("ladder", organism.Ladder, "ladder."),
    Section("presets.NAME", organism.Preset, "presets.standard."),
    Section("A line of the prompts file", eval_schema.EvalPrompt),
    Section("rubrics/NAME.toml", Rubric),
    Section("[NAME] of capability/suites.toml", SuiteTable),
)
GIVEN = {
    "behavior": "the family's",
    "eval": "the family's",
    "capability": "the tasks of `suite`",
    "gate": "its keys have defaults",
    "ladder": "its keys have defaults",
    "presets": "`standard` and `quick`, whose keys have defaults",
}
"""What a variant's tables are where its file has none."""
SHARED = """\
## Shared tables

`organisms/shared.toml` holds what families share, each table under a name: `[variants.NAME]` (a
part of a variant, for `like`), `[bases.NAME]` (for `base` and `clean_base`), `[sizes.NAME]`,
`[gates.NAME]`, `[ladders.NAME]` and `[presets.NAME]`. They have the keys of the tables above.
"""


def page() -> str:
    """The page's text."""
    parts = [HEAD, *(_section(section) for section in SECTIONS), SHARED]
    return "\n".join(parts)


def schemas() -> set[type[Table]]:
    """Every table that a file may hold, found from the tables of a family and of a variant."""
    found: set[type[Table]] = set()
    waiting: list[type[Table]] = [organism.FamilyTable, organism.VariantTable]
    while waiting:
        schema = waiting.pop()
        if schema not in found:
            found.add(schema)
            waiting += [t for f in schema.model_fields.values() for t in _tables_in(f.annotation)]
    return found


def meanings(schema: type[BaseModel]) -> dict[str, str]:
    """What each key means, from the ``Attributes`` of the schema's docstring."""
    parsed = docstring_parser.parse(schema.__doc__ or "")
    return {one.arg_name: " ".join((one.description or "").split()) for one in parsed.params}


def _section(section: Section) -> str:
    schema, parsed = section.schema, docstring_parser.parse(section.schema.__doc__ or "")
    said = [parsed.short_description or "", parsed.long_description or ""]
    intro = " ".join(" ".join(said).replace("``", "`").split())
    told, shapes, filled = meanings(schema), schema.model_json_schema(), _filled_in()
    rows = [
        _row(
            name,
            _type(shapes["properties"][name], field),
            (GIVEN.get(name) if schema is organism.VariantTable else None)
            or filled.get(section.path + name)
            or _default(field),
            _role(schema, name),
            told.get(name, "").replace("``", "`"),
        )
        for name, field in schema.model_fields.items()
        if not (schema is Rubric and name == "name")
    ]
    head = "| key | type | default | role | meaning |\n|---|---|---|---|---|"
    return "\n".join([f"## `{section.title}`", "", intro, "", head, *rows, ""])


@cache
def _filled_in() -> dict[str, str]:
    """The defaults of the example and why it has them, by their keys from the variant's table."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / "example"
        folder.mkdir()
        (folder / "organism.toml").write_text(EXAMPLE, encoding="utf-8")
        (folder / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
        tokenizer = {"chat_template": "{{ messages }}"}
        (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer), encoding="utf-8")
        problems: list[str] = []
        suites = shipped_suites()
        shared = SharedTables(folder / "shared.toml")
        (draft,) = read_family(folder / "organism.toml", suites, shared, problems)
    assert not problems, problems
    return {
        key: f"`{json.dumps(draft.get(*key.split('.')))}`: {why}"
        for key, why in draft.whole.defaults.items()
    }


def _row(name: str, *cells: str) -> str:
    return "| " + " | ".join([f"`{name}`", *(cell.replace("|", "\\|") for cell in cells)]) + " |"


def _role(schema: type[Table], name: str) -> str:
    """The key's role; keys of raw tables have that of the organism's field which they become."""
    role = role_of(schema, name)
    if role is None and name in OrganismSpec.model_fields:
        role = role_of(OrganismSpec, name)
    if role is None and schema is SuiteTable and name == "tasks":
        role = role_of(OrganismSpec, "capability")
    return (role or Role.DESCRIPTIVE).value


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value in ((), {}):
        return "none"
    return f"`{json.dumps(value)}`"


def _type(shape: dict[str, Any], field: FieldInfo) -> str:
    """The type of a key's value, from its JSON Schema."""
    tables = sorted({_link(table) for table in _tables_in(field.annotation)})
    if tables:
        of = "one of " * (len(tables) > 1) + ", ".join(tables)
        return {"array": f"list of tables: {of}", "object": f"tables by name: {of}"}.get(
            shape.get("type", ""), f"table: {of}"
        )
    return _plain_type(shape)


def _plain_type(shape: dict[str, Any]) -> str:
    if "anyOf" in shape:
        return " or ".join(_plain_type(one) for one in shape["anyOf"] if one.get("type") != "null")
    if "const" in shape:
        return f"`{json.dumps(shape['const'])}`"
    if "enum" in shape:
        return " or ".join(f"`{json.dumps(value)}`" for value in shape["enum"])
    kind = shape.get("type")
    if kind == "array":
        if "prefixItems" in shape:
            items = shape["prefixItems"]
            return f"list of {len(items)}, each a {_plain_type(items[0])}"
        return f"list, each a {_plain_type(shape['items']).replace('table', 'turn')}"
    if kind in ("integer", "number"):
        return {"integer": "whole number", "number": "number"}[kind] + _bounds(shape)
    if kind == "string" and "pattern" in shape:
        return f"text like `{shape['pattern']}`"
    return {"string": "text", "boolean": "`true` or `false`", "object": "table"}[str(kind)]


def _bounds(shape: dict[str, Any]) -> str:
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    limits = [f"{word} {shape[key]:g}" for key, word in words.items() if key in shape]
    return f" {' and '.join(limits)}" if limits else ""


def _link(table: type[Table]) -> str:
    title = next(section.title for section in SECTIONS if section.schema is table)
    anchor = "".join(c for c in title.lower() if c.isalnum() or c in " -_").replace(" ", "-")
    return f"[{title.strip('[]')}](#{anchor})"


def _tables_in(annotation: Any) -> Iterator[type[Table]]:
    """The schemas that a type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, Table):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _tables_in(part)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
