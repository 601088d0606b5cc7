"""What of a run must be the same however often it was stopped: everything but clocks."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

PASSING = ("created", "git", "modified", "run_seconds", "seal", "seconds", "train_seconds")
"""Keys that tell when something was made, and hashes over them."""
LISTS = ("kept.jsonl", "soak.log", "asked.json")
"""Files that tell in which order things happened, or in which folder a command was given."""
PROCESSES = ("claims", "clocks")
"""Folders that tell which processes have been at work, and for how long."""


def contents(folder: Path) -> dict[str, Any]:
    """Every file of a run by its name: JSON without clocks, anything else as the hash of its bytes.

    Files in the making that a killed process left are not part of a run.
    """
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_dir() or path.name.startswith(".") or path.name in LISTS:
            continue
        name = path.relative_to(folder).as_posix()
        if path.parent.name in PROCESSES:
            continue
        if path.suffix == ".json":
            found[name] = without_clocks(json.loads(path.read_text(encoding="utf-8")))
        else:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def without_clocks(value: Any) -> Any:
    """A JSON value without what tells when it was made, or of files that do."""
    if isinstance(value, list):
        return [without_clocks(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: "listed" if key == "trained.json" else without_clocks(one)
        for key, one in value.items()
        if key not in PASSING and key != "removal_cost"
    }


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Names of the files that are not the same in both."""
    names = sorted(one.keys() | other.keys())
    return [name for name in names if one.get(name) != other.get(name)]
