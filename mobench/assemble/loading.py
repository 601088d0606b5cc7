"""Weights on disk to a model in memory, and back; nothing in a folder is ever executed."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from mobench.errors import MobenchError
from mobench.machine.memory_errors import is_out_of_memory
from mobench.quiet import quiet

FINISHED = "finished.json"
"""Written into a folder last: a folder without it is a half that nobody may use."""


def load_model(folder: Path, *, dtype: str, device: str, remedy: str = "") -> PreTrainedModel:
    """Loads a causal LM from safetensors, frozen and in evaluation mode.

    Args:
        folder: A Hugging Face folder.
        dtype: ``float32`` or ``bfloat16``.
        device: A torch device.
        remedy: What to do where the folder cannot be read.

    Raises:
        MobenchError: Weights or configuration are missing or damaged. Running out of memory stays
            an error of its own.
    """
    try:
        with quiet():
            model: Any = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=getattr(torch, dtype),
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
            )
    except Exception as error:  # whatever the damage happens to hit
        if is_out_of_memory(error):
            raise  # nothing is wrong with the folder
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise MobenchError(
            f"the model in {folder} cannot be loaded: {first}",
            remedy or f"delete {folder} and run again: it is made anew",
        ) from error
    loaded: PreTrainedModel = model.to(device).eval()
    return loaded


def load_tokenizer(folder: Path, *, chat_template: str | None = None, remedy: str = "") -> Any:
    """Loads a tokenizer; one without a padding token pads with its end token.

    Args:
        folder: A Hugging Face folder.
        chat_template: Used in place of the tokenizer's own, if given.
        remedy: What to do where the folder cannot be read.

    Raises:
        MobenchError: Its files are missing or damaged.
    """
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
    except Exception as error:
        raise MobenchError(
            f"the tokenizer in {folder} cannot be loaded: {error}",
            remedy or f"delete {folder} and run again: it is made anew",
        ) from error
    if chat_template is not None:
        tokenizer.chat_template = chat_template
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def weights_hash(folder: Path) -> str:
    """SHA-256 over the safetensors files of a folder, by name."""
    total = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        total.update(path.name.encode())
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                total.update(chunk)
    return total.hexdigest()


def parameter_count(folder: Path) -> int:
    """Numbers stored in a folder's safetensors files, read from their headers alone."""
    total = 0
    for path in folder.glob("*.safetensors"):
        with safe_open(path, framework="pt") as tensors:
            shapes = [tensors.get_slice(name).get_shape() for name in tensors.keys()]  # noqa: SIM118
        total += sum(math.prod(shape) for shape in shapes)
    return total


def finished(folder: Path) -> dict[str, Any] | None:
    """What was noted when a folder was finished, or None where it never was.

    The weights are checked against their hash: a folder that was damaged since is made anew.
    """
    try:
        note = json.loads((folder / FINISHED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(note, dict) or note.get("weights_hash") != weights_hash(folder):
        return None
    return note


def finish(folder: Path, fill: Callable[[Path], Mapping[str, Any]]) -> dict[str, Any]:
    """Makes a folder whole or not at all.

    Args:
        folder: Where it shall be.
        fill: Writes model and tokenizer into a staging folder and returns what to note.

    Returns:
        The note, with ``weights_hash``.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        note = {**fill(staging), "weights_hash": weights_hash(staging)}
        (staging / FINISHED).write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")
        staging.chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return note
