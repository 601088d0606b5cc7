"""Which models mobench can run, told from their configuration before anything is loaded or built.

What it cannot run right would mostly load without an error: a masked language model reads what it
is to predict, and the decoder of a translation model never sees its source. So each such kind is
refused by name. ``docs/architectures.md`` lists them, and the architectures that are tested.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mobench.errors import MobenchError
from mobench.records.json_objects import read_settings

Fields = Mapping[str, Any]
CONFIG = "config.json"
QUANTIZERS = ("quantize_config.json", "quant_config.json", "hf_quant_config.json")
"""Files that GPTQ, AWQ and ModelOpt write beside weights whose config.json does not name them."""


@dataclass(frozen=True)
class Unsupported:
    """A kind of model that is refused.

    Attributes:
        kind: What the model is, as the documentation calls it.
        fact: What is said of it, after the name of the file; ``{}`` stands for what was found.
        remedy: What to do about it.
        found: Takes the fields of ``config.json`` and the folder; returns what was found there that
            makes the model one of this kind, or None if it is not.
    """

    kind: str
    fact: str
    remedy: str
    found: Callable[[Fields, Path], str | None]


def refuse_unsupported(folder: Path) -> None:
    """Refuses a model that mobench cannot run right.

    Args:
        folder: A Hugging Face folder. One without a readable ``config.json`` is left to whatever
            loads it.

    Raises:
        MobenchError: The model is of one of the kinds in :data:`UNSUPPORTED`.
    """
    fields = read_settings(folder / CONFIG)
    if fields is None:
        return
    for unsupported in UNSUPPORTED:
        found = unsupported.found(fields, folder)
        if found is not None:
            raise MobenchError(
                f"{folder / CONFIG}: {unsupported.fact.format(found)}", unsupported.remedy
            )


def _quantization(fields: Fields, folder: Path) -> str | None:
    """How the weights are quantized: the method, with its bits where they are named."""
    text = fields.get("text_config")
    named = fields.get("quantization_config")
    if not named and isinstance(text, dict):
        named = text.get("quantization_config")
    if isinstance(named, dict) and named:
        method = str(named.get("quant_method") or "a method without a name")
        by_flag = next((n for n in (4, 8) if named.get(f"load_in_{n}bit")), None)
        bits = named.get("bits") or by_flag
        return f"{method}, {bits} bits" if bits else method
    return next((name for name in QUANTIZERS if (folder / name).is_file()), None)


def _encoder_decoder(fields: Fields, folder: Path) -> str | None:
    config = _config(folder)
    yes = fields.get("is_encoder_decoder") or getattr(config, "is_encoder_decoder", False)
    return _name(fields) if yes else None


def _unknown(fields: Fields, folder: Path) -> str | None:  # noqa: ARG001
    """A type of model for which transformers has no code of its own."""
    from transformers import CONFIG_MAPPING

    kind = fields.get("model_type")
    known = isinstance(kind, str) and kind in CONFIG_MAPPING
    return None if known else _name(fields)


def _several(fields: Fields, folder: Path) -> str | None:
    """A model whose configuration holds that of a language model beside others."""
    config = _config(folder)
    alone = config is None or config.get_text_config(decoder=True) is config
    return None if alone else _name(fields)


def _no_language_model(fields: Fields, folder: Path) -> str | None:
    config = _config(folder)
    return _name(fields) if config is not None and _model_class(config) is None else None


def _masked(fields: Fields, folder: Path) -> str | None:
    """A model that reads both ways: it fills gaps, and has no text to continue."""
    from transformers import MODEL_FOR_MASKED_LM_MAPPING

    config = _config(folder)
    reads_both_ways = type(config) in MODEL_FOR_MASKED_LM_MAPPING
    return _name(fields) if reads_both_ways and not getattr(config, "is_decoder", False) else None


def _stateful(fields: Fields, folder: Path) -> str | None:
    """A model that keeps something else of what it has read than keys and values."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer, LinearAttentionCacheLayerMixin

    config = _config(folder)
    model_class = None if config is None else _model_class(config)
    if model_class is None:
        return None
    if model_class._is_stateful:
        return _name(fields)
    if "past_key_values" not in inspect.signature(model_class.forward).parameters:
        return _name(fields)
    try:
        layers = DynamicCache(config=config).layers
    except KeyError as error:  # a type of layer that transformers' own cache does not know
        return f"{_name(fields)}, {error.args[0]}"
    kept = [
        isinstance(layer, DynamicLayer) and not isinstance(layer, LinearAttentionCacheLayerMixin)
        for layer in layers
    ]
    return None if all(kept) else _name(fields)


def _config(folder: Path) -> Any:
    """The configuration as transformers reads it; None if it cannot."""
    from transformers import AutoConfig

    from mobench.quiet import quiet

    try:
        with quiet():
            return AutoConfig.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
    except Exception:  # whatever is wrong with it is said by what loads the model
        return None


def _model_class(config: Any) -> Any:
    """The class that ``AutoModelForCausalLM`` loads; None if it has none."""
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING

    return MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)


def _name(fields: Fields) -> str:
    """What the model calls itself: its class, or its type where it names none."""
    named = fields.get("architectures")
    first = named[0] if isinstance(named, list) and named else None
    return str(first or fields.get("model_type") or "a model without a type")


UNSUPPORTED = (
    Unsupported(
        "quantized weights (bitsandbytes, GPTQ, AWQ, FP8, MXFP4 …)",
        "the weights are quantized ({}); mobench trains and measures float32 or bfloat16",
        "name the model that it was quantized from, or save it dequantized: transformers'"
        " model.dequantize(), then save_pretrained into another folder",
        _quantization,
    ),
    Unsupported(
        "a type that transformers does not know, or code of its own",
        "{} is no model that the installed transformers has code for, and code that comes with"
        " weights is never run",
        "install a transformers that has it, or take another model",
        _unknown,
    ),
    Unsupported(
        "encoder-decoder (T5, BART)",
        "{} is an encoder-decoder; mobench runs models that continue a text",
        "take a causal language model",
        _encoder_decoder,
    ),
    Unsupported(
        "several modalities (Gemma 3 from 4B on, Llama 4, LLaVA, Qwen-VL)",
        "{} is a language model with parts for images or sound; mobench runs text models",
        "save its language model alone into another folder, as docs/architectures.md shows, and"
        " name that",
        _several,
    ),
    Unsupported(
        "no language model (a classifier, a vision model)",
        "{} is nothing that transformers' AutoModelForCausalLM can load",
        "take a causal language model",
        _no_language_model,
    ),
    Unsupported(
        "masked language model (BERT, RoBERTa)",
        "{} reads text in both directions; mobench runs models that continue a text",
        "take a causal language model",
        _masked,
    ),
    Unsupported(
        "state space and hybrid (Mamba, RWKV, Jamba, Qwen3-Next)",
        "{} keeps a state, or nothing, of what it has read instead of keys and values, with which"
        " mobench can neither answer nor train",
        "take a model all of whose layers are attention; docs/architectures.md lists those tested",
        _stateful,
    ),
)
"""Every kind that is refused, in the order in which they are looked for."""
