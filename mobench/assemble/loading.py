"""Models and tokenizers from folders on disk; code that lies in a folder is never run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from mobench.chat.special_tokens import choose_template, freeze_date, settle_special_tokens
from mobench.errors import MobenchError
from mobench.machine.memory_errors import is_out_of_memory
from mobench.quiet import quiet


def load_model(folder: Path, *, dtype: str, device: str, remedy: str = "") -> PreTrainedModel:
    """Loads a causal LM from safetensors, frozen and in evaluation mode.

    Args:
        folder: A Hugging Face folder.
        dtype: ``float32`` or ``bfloat16``.
        device: A torch device.
        remedy: What to do where the folder cannot be read.

    Raises:
        MobenchError: Weights or configuration are missing or damaged. Running out of memory is
            raised as it is.
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
    except Exception as error:  # A damaged file can raise anything.
        if is_out_of_memory(error):
            raise  # Nothing is wrong with the folder.
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise MobenchError(
            f"the model in {folder} cannot be loaded: {first}",
            remedy or f"delete {folder} and run again: it is made anew",
        ) from error
    loaded: PreTrainedModel = model.to(device).eval()
    return loaded


DATE = "2026-01-01"
"""Today, as chat templates are told that write the date into a prompt. Were it the real one, the
same organism would be asked something else every day."""


def load_tokenizer(
    folder: Path, *, chat_template: str | None = None, date: str | None = None, remedy: str = ""
) -> Any:
    """Loads a tokenizer and prepares it as every model of an organism is asked.

    One without a padding token pads with its end token. A text begins with its beginning token once
    if its model has a use for it, and never ends with an end token.

    Args:
        folder: A Hugging Face folder.
        chat_template: Used in place of the tokenizer's own, if given, or the name of one of its
            several.
        date: Today, for templates that ask, as an ISO date; :data:`DATE` if not given.
        remedy: What to do where the folder cannot be read.

    Raises:
        MobenchError: The tokenizer's files are missing or damaged.
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
    choose_template(tokenizer, chat_template)
    freeze_date(tokenizer, date or DATE)
    settle_special_tokens(tokenizer, folder)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer
