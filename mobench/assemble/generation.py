"""How every model generates: greedily, whatever was saved beside its weights.

A folder's ``generation_config.json`` may hold a temperature, a penalty on repeated words or tokens
that must not come first. lm-eval's generation would apply them and the decoding of eval prompts
would not, so one organism would be measured by two rules. Only its token ids are kept: they belong
to the model.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from transformers import GenerationConfig

KEPT = ("bos_token_id", "eos_token_id", "pad_token_id")


def greedy_generation(folder: Path, config: Any) -> GenerationConfig:
    """Returns a model's generation config: greedy, with its own beginning, end and padding.

    Args:
        folder: A Hugging Face folder; its ``generation_config.json`` counts where it names a token.
        config: The model's configuration, which counts where that file does not.
    """
    text = config.get_text_config(decoder=True)
    saved = _saved(folder)
    named = {key: _ids(saved.get(key)) or _ids(getattr(text, key, None)) for key in KEPT}
    kept = {
        # A list is only understood of end tokens: several may end an answer.
        key: ids if key == "eos_token_id" and len(ids) > 1 else ids[0]
        for key, ids in named.items()
        if ids
    }
    return GenerationConfig(do_sample=False, **kept)


def _saved(folder: Path) -> dict[str, Any]:
    try:
        saved = json.loads((folder / "generation_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return saved if isinstance(saved, dict) else {}


def _ids(value: Any) -> list[int]:
    """Token ids, of which some configurations name one and some a list; -1 stands for none."""
    values = value if isinstance(value, list) else [value]
    return [token for token in values if type(token) is int and token >= 0]
