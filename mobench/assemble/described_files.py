"""The files beside a model's weights: its configuration, its tokenizer, its chat templates.

What is made of a base takes them over, so it is made again where one of them is another.
"""

from __future__ import annotations

import hashlib
from fnmatch import fnmatch
from pathlib import Path

from mobench.assemble.hub.parts import ADAPTER_CONFIG, TOKENIZER
from mobench.registry.model_facts import SEVERAL_TEMPLATES

_NAMES = ("config.json", "generation_config.json", ADAPTER_CONFIG, "*.model", *TOKENIZER)


def described_by(folder: Path) -> str:
    """Returns a SHA-256 over the names and contents of the files that describe a model.

    Args:
        folder: A model or an adapter in Hugging Face format.
    """
    files = [file for file in folder.iterdir() if any(fnmatch(file.name, n) for n in _NAMES)]
    files += (folder / SEVERAL_TEMPLATES).glob("*.jinja")
    total = hashlib.sha256()
    for file in sorted(file for file in files if file.is_file()):
        name = file.relative_to(folder).as_posix()
        total.update(f"{name}:{file.stat().st_size}:".encode() + file.read_bytes())
    return total.hexdigest()
