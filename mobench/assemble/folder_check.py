"""Checks that a folder holds a model that can be loaded, before anything is loaded."""

from __future__ import annotations

import json
from pathlib import Path

INDEX = "model.safetensors.index.json"
WEIGHTS = "model.safetensors"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
"""How the names of weights end that can run code when they are loaded."""
CONFIGS = ("config.json", "generation_config.json")


def check_folder(folder: Path) -> list[str]:
    """Returns what is wrong with a model's folder, or an empty list if it can be loaded."""
    return [*check_model(folder), *check_tokenizer(folder)]


def check_model(folder: Path) -> list[str]:
    """Returns what is missing or damaged of a model's configuration and weights.

    A truncated shard is found by its header, which says how long the file must be.
    """
    problems = []
    if not (folder / "config.json").is_file():
        problems.append("config.json is missing")
    problems += [problem for name in CONFIGS for problem in _check_json(folder / name)]
    shards = [WEIGHTS]
    # One file goes before shards, as it does for transformers: saving a small model into the folder
    # of a large one leaves the index behind.
    if (folder / INDEX).is_file() and not (folder / WEIGHTS).is_file():
        try:
            index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            shards = sorted(set(index["weight_map"].values()))
        except (ValueError, KeyError, TypeError, AttributeError):
            return [*problems, f"{INDEX} cannot be read"]
    for shard in shards:
        problems += check_tensors(folder / shard)
    return problems


def has_pickles(folder: Path) -> bool:
    """Whether weights lie in a folder as pickles."""
    return any(file.name.endswith(PICKLES) for file in folder.iterdir())


def _check_json(file: Path) -> list[str]:
    """What is wrong with a file of settings; nothing where there is none."""
    if not file.is_file():
        return []
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        return [f"{file.name} cannot be read ({error})"]
    return [] if isinstance(content, dict) else [f"{file.name} holds no table of settings"]


def check_tensors(file: Path) -> list[str]:
    """Returns what is wrong with a safetensors file, judging by its header alone."""
    from safetensors import SafetensorError, safe_open

    if not file.is_file():
        return [f"{file.name} is missing"]
    try:
        with safe_open(file, framework="numpy"):
            pass
    except (SafetensorError, OSError) as error:
        return [f"{file.name} is damaged ({error})"]
    return []


def check_tokenizer(folder: Path) -> list[str]:
    """Returns one problem if the tokenizer is missing, and an empty list otherwise."""
    names = ("tokenizer.json", "tokenizer.model", "vocab.json")
    return [] if any((folder / n).is_file() for n in names) else ["the tokenizer is missing"]
