"""Whether a folder holds a base that can be loaded: told before anything is loaded."""

from __future__ import annotations

import json
from pathlib import Path

from mobench.errors import MobenchError

INDEX = "model.safetensors.index.json"
WEIGHTS = "model.safetensors"


def check_folder(folder: Path) -> list[str]:
    """Returns what is wrong with a base's folder; nothing, if it can be loaded.

    A shard cut short is found by its header, which says how long it must be.
    """
    problems = []
    if not (folder / "config.json").is_file():
        problems.append("config.json is missing")
    if not any((folder / n).is_file() for n in ("tokenizer.json", "tokenizer.model", "vocab.json")):
        problems.append("the tokenizer is missing")
    shards = [WEIGHTS]
    if (folder / INDEX).is_file():
        try:
            index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            shards = sorted(set(index["weight_map"].values()))
        except (ValueError, KeyError, TypeError, AttributeError):
            return [*problems, f"{INDEX} cannot be read"]
    from safetensors import SafetensorError, safe_open

    for shard in shards:
        if not (folder / shard).is_file():
            problems.append(f"{shard} is missing")
            continue
        try:
            with safe_open(folder / shard, framework="numpy"):
                pass
        except (SafetensorError, OSError) as error:
            problems.append(f"{shard} is damaged ({error})")
    return problems


def damaged(folder: Path, problems: list[str]) -> MobenchError:
    """The error for a fetched base that cannot be loaded."""
    bad = [p.split(" is damaged")[0] for p in problems if " is damaged" in p]
    # the cache links each file to its content: only without both is it fetched anew
    blobs = [str((folder / name).resolve()) for name in bad]
    fix = f"Delete {' '.join(blobs)} and run again." if blobs else "Run again, with the network."
    return MobenchError(f"The base in {folder} is not sound: {'; '.join(problems)}.", fix)
