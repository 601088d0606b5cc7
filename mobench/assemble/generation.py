"""How every model generates: greedily, whatever was saved beside its weights.

A folder's ``generation_config.json`` may hold a temperature, a penalty on repeated words or tokens
that must not come first. lm-eval's generation would apply them and the decoding of eval prompts
would not, so one organism would be measured by two rules. Only its token ids are kept: they belong
to the model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import GenerationConfig

from mobench.chat.special_tokens import token_ids
from mobench.records.json_objects import read_settings

KEPT = ("bos_token_id", "eos_token_id", "pad_token_id")


def greedy_generation(folder: Path, config: Any) -> GenerationConfig:
    """Returns a model's generation config: greedy, with its own beginning, end and padding.

    Args:
        folder: A Hugging Face folder; its ``generation_config.json`` counts where it names a token.
        config: The model's configuration, which counts where that file does not.
    """
    text = config.get_text_config(decoder=True)
    saved = read_settings(folder / "generation_config.json") or {}
    named = {key: token_ids(saved.get(key)) or token_ids(getattr(text, key, None)) for key in KEPT}
    kept = {
        # A list is only understood of end tokens: several may end an answer.
        key: ids if key == "eos_token_id" and len(ids) > 1 else ids[0]
        for key, ids in named.items()
        if ids
    }
    return GenerationConfig(do_sample=False, **kept)
