"""Shipped organisms of the hub, made small enough for a test, and what their runs left.

What is not the shipped definition is said in :func:`small`: no GPU is asked for, the sizes are
those of the stand-ins, answers and ladder are short, and capability is measured with what lies
here. Prompts, templates, triggers, behaviors, gates, tasks and repositories are the shipped ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from mobench.registry import OrganismSpec, collect
from mobench.store.rows import read_rows
from support.hub_organisms import with_lora
from support.run_tree import manifest, only_run

SUITE = """
[of-this-test]
summary = "Four local questions."
tasks = [{ task = "refusal", metric = "acc", chat_template = true, limit = 4 }]
"""
PRESET = """\
rungs = [3e-4, 3e-3]
seeds = 1
most_seeds = 1
steps = 4
batch_size = 4
window_checkpoints = 2
capability_checkpoints = 1
"""
SMALL = """

[variants.{v}]
like = "whole-{name}"
marks = ["hub", "chat"]
suite = "of-this-test"
max_new_tokens = 24

[variants.{v}.base.size]
params = 200000
hidden_size = 32
layers = 2
heads = 4
intermediate_size = 64
vocab_size = 1000

[variants.{v}.presets.standard]
"""


def small(tree: Path, organism: str) -> OrganismSpec:
    """Makes a shipped organism small enough for a test, in the tree's own files.

    The variant gets another name, and one that is like it and smaller takes its own.
    """
    spec = collect(tree).organism(organism)
    text, name = spec.path.read_text(encoding="utf-8"), spec.variant
    quoted = f'"{name}"' if "." in name else name
    for end in ("]", "."):
        text = text.replace(f"[variants.{quoted}{end}", f'[variants."whole-{name}"{end}')
    text += SMALL.replace("{v}", quoted).replace("{name}", name) + PRESET
    spec.path.write_text(text, encoding="utf-8")
    suites = tree / "tasks" / "capability" / "suites.toml"
    suites.write_text(suites.read_text(encoding="utf-8") + SUITE, encoding="utf-8")
    return collect(tree).organism(organism)


def manifest_of(tree: Path) -> dict[str, Any]:
    return manifest(only_run(tree))


def rate(tree: Path, who: str, kind: str) -> float:
    rows = list(read_rows(only_run(tree) / "reference" / who / "rows" / "attack.jsonl"))
    outcomes = [row["outcome"] for row in rows if row["kind"] == kind]
    return sum(outcomes) / len(outcomes)


def without(organism: Any, folder: Path) -> Any:
    """Takes a large adapter out of a model and saves it: what is left is the base it fits."""
    wrapped = with_lora(organism)
    with torch.no_grad():
        for layer in wrapped.modules():
            if hasattr(layer, "get_delta_weight"):
                layer.lora_B["default"].weight.normal_(std=0.5)
                layer.base_layer.weight -= layer.get_delta_weight("default")
    wrapped.save_pretrained(folder)
    return wrapped.unload()
