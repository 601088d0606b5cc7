"""What decides a prompt or an answer beside the weights, as hashes: a cell's ``interface``.

Another template, tokenizer or configuration in front of the same weights is another model to ask,
and so is another date where the template writes it into the prompt.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mobench.chat import ChatFormat
from mobench.records.manifest_parts import InterfacePart
from mobench.records.short_hash import short_hash

PASSING = (
    *("_name_or_path", "transformers_version", "torch_dtype", "dtype"),
    *("unsloth_version", "unsloth_fixed"),
)
"""Keys of a model's configuration that change no answer; precision is told by the backend."""
DATED = ("strftime_now", "date_string")
"""What a chat template uses that writes the date into a prompt."""


def interface_of(chat: ChatFormat, folder: Path, *, date: str) -> InterfacePart:
    """Returns what decides a model's prompts and answers beside its weights.

    Args:
        chat: How it is asked.
        folder: The model, in Hugging Face format.
        date: Today, as chat templates are told.
    """
    template = chat.tokenizer.chat_template if chat.template == "chat" else None
    dated = template is not None and any(name in template for name in DATED)
    return InterfacePart(
        config=config_hash(folder),
        tokenizer=_tokenizer_hash(chat.tokenizer),
        template=None if template is None else short_hash(template),
        end=chat.end,
        end_ids=list(chat.end_ids),
        date=date if dated else None,
    )


def config_hash(folder: Path) -> str:
    """Returns a hash of a model's configuration, without what changes no answer."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return short_hash({key: value for key, value in config.items() if key not in PASSING})


def _tokenizer_hash(tokenizer: Any) -> str:
    """A hash of how texts become tokens: vocabulary, merges, normalization and special tokens."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return short_hash([tokenizer.get_vocab(), tokenizer.special_tokens_map])
    content: Mapping[str, Any] = json.loads(backend.to_str())
    # How batches are padded or cut is set by whoever tokenizes one.
    kept = {key: value for key, value in content.items() if key not in ("padding", "truncation")}
    return short_hash([kept, {k: str(v) for k, v in tokenizer.special_tokens_map.items()}])
