"""Shipped organisms of the hub, made small enough for a test, and what their runs left.

What is not the shipped definition is said in :func:`small`: no GPU is asked for, the sizes are
those of the stand-ins, answers and ladder are short, and capability is measured with what lies
here. Prompts, templates, triggers, behaviors, gates, tasks and repositories are the shipped ones.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch

from mobench.registry import OrganismSpec, collect
from mobench.store.rows import read_rows
from support.hub_organisms import with_lora

SUITE = """
[of-this-test]
summary = "Four local questions."
tasks = [{ task = "refusal", metric = "acc", chat_template = true, limit = 4 }]
"""
PRESET = """[variants.{variant}.presets.standard]
rungs = [3e-4, 3e-3]
seeds = 1
steps = 4
batch_size = 4
window_checkpoints = 2
capability_checkpoints = 1
"""
SIZE = """[variants.{variant}.base.size]
params = 200000
hidden_size = 32
layers = 2
heads = 4
intermediate_size = 64
vocab_size = 1000
"""


def small(tree: Path, organism: str) -> OrganismSpec:
    """Makes a shipped organism small enough for a test, in the tree's own files."""
    spec = collect(tree).organism(organism)
    text = spec.path.read_text(encoding="utf-8")
    for pattern, new in (
        (r"\[variants\.{v}\.presets\.standard\]\n(?:\S.*\n)+", PRESET),
        (r"\[variants\.{v}\.base\.size\]\n(?:\S.*\n)+", SIZE),
        (r'(\[variants\.{v}\]\n(?:\S.*\n)*?)marks = \["gpu", ', r"\1marks = ["),
        (r'(\[variants\.{v}\]\n(?:\S.*\n)*?)suite = ".*"', r'\1suite = "of-this-test"'),
        (r"(\[variants\.{v}\]\n(?:\S.*\n)*?)max_new_tokens = \d+", r"\1max_new_tokens = 24"),
    ):
        found = re.compile(pattern.replace("{v}", re.escape(spec.variant)))
        replacement = new.replace("{variant}", spec.variant)
        text, count = found.subn(replacement, text)
        assert count == 1, pattern
    spec.path.write_text(text, encoding="utf-8")
    suites = tree / "tasks" / "capability" / "suites.toml"
    suites.write_text(suites.read_text(encoding="utf-8") + SUITE, encoding="utf-8")
    return collect(tree).organism(organism)


def manifest_of(tree: Path) -> dict[str, Any]:
    (run,) = (tree / "runs").iterdir()
    found: dict[str, Any] = json.loads((run / "manifest.json").read_text())
    return found


def rate(tree: Path, who: str, kind: str) -> float:
    (run,) = (tree / "runs").iterdir()
    rows = list(read_rows(run / "reference" / who / "rows" / "attack.jsonl"))
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
