"""What a model's own files tell of it: size, precision, and whether it is asked as a chat.

Only JSON and the headers of safetensors files are read, never a weight: fast, and without torch.
A base on the hub is read where the hub's cache has its small files; nothing is fetched here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mobench.records.json_objects import read_settings
from mobench.registry.weights_files import stored_tensors

CONFIG = "config.json"
DESCRIPTION_FILES = (
    CONFIG,
    "tokenizer_config.json",
    "chat_template.jinja",
    "chat_template.json",
)
"""The files that are read here; all of them are small."""
SEVERAL_TEMPLATES = "additional_chat_templates"
"""The folder of a tokenizer's further chat templates, or of all where none is called default."""

_WIDTH = ("hidden_size", "n_embd", "d_model", "dim")
_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads")
_KV_HEADS = ("num_key_value_heads",)
_INNER = ("intermediate_size", "n_inner", "ffn_dim", "d_inner", "ffn_hidden_size")
_POSITIONS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len")
_HEAD_WIDTH = 64
"""Width of a head where a configuration names no heads: that of most models."""


@dataclass(frozen=True)
class ModelFacts:
    """A model by its own files.

    Attributes:
        architecture: Such as ``LlamaForCausalLM``; empty where the configuration does not say.
        params: All weights: as the files' headers count them, else as the configuration gives them.
        configured_params: Weights of a decoder of this configuration, whether they are here or not.
        hidden_size: Width of the residual stream.
        layers: Transformer blocks.
        heads: Attention heads.
        intermediate_size: Width of the MLP.
        vocab_size: Rows of the embedding.
        kv_heads: Heads that keys and values have.
        head_dim: Width of a head.
        positions: Tokens that the model can see at once, at most; None where nothing says.
        dtype: The precision of the weights: ``float32``, ``bfloat16``, ``float16`` …; None where
            nothing says.
        chat_template: Whether its tokenizer has a chat template; None where no tokenizer is here.
    """

    architecture: str
    params: int
    configured_params: int
    hidden_size: int
    layers: int
    heads: int
    intermediate_size: int
    vocab_size: int
    kv_heads: int
    head_dim: int
    positions: int | None
    dtype: str | None
    chat_template: bool | None


def base_folder(base: Mapping[str, Any], beside: Path) -> Path | None:
    """The folder that a base's files lie in, as far as they are on this machine.

    Args:
        base: A base's table.
        beside: The folder of the organism's file, where relative paths start.

    Returns:
        The folder, whether it holds a model or not; None for bases that are made, and for one of
        the hub whose configuration is not in the hub's cache.
    """
    if base.get("kind") == "local" and isinstance(base.get("path"), str):
        return local_folder(str(base["path"]), beside)
    if base.get("kind") == "hub" and isinstance(base.get("repo"), str):
        return _cached(str(base["repo"]), str(base.get("revision", "main")))
    return None


def local_folder(path: str, beside: Path) -> Path:
    """A folder of weights named in an organism's file; a relative path starts at the file."""
    return (beside / Path(path).expanduser()).resolve()


def read_facts(
    base: Mapping[str, Any], adapter: Mapping[str, Any] | None, beside: Path
) -> ModelFacts | None:
    """Reads what an organism's weights tell.

    Args:
        base: The base's table, of kind ``local`` or ``hub``.
        adapter: The adapter's table: its tokenizer, if it has one, is the organism's.
        beside: The folder of the organism's file.

    Returns:
        The facts; None where the configuration is not on this machine or gives no size.
    """
    folder = base_folder(base, beside)
    config = None if folder is None else read_settings(folder / CONFIG)
    if folder is None or config is None:
        return None
    table = _language_model(config)
    width, layers = _number(table, _WIDTH), _number(table, _LAYERS)
    if width is None or layers is None:
        return None
    heads = _number(table, _HEADS) or max(1, width // _HEAD_WIDTH)
    inner_width = _number(table, _INNER) or 4 * width
    vocabulary = _number(table, ("vocab_size",)) or 0
    counted = decoder_params(
        table,
        hidden_size=width,
        layers=layers,
        heads=heads,
        intermediate_size=inner_width,
        vocab_size=vocabulary,
    )
    stored = stored_tensors(folder)
    # A hub base is to be the same before its weights are fetched and after.
    stored_dtype = stored.dtype if stored is not None and base.get("kind") == "local" else None
    return ModelFacts(
        architecture=str(next(iter(config.get("architectures") or ()), "")),
        params=counted if stored is None else stored.count,
        configured_params=counted,
        hidden_size=width,
        layers=layers,
        heads=heads,
        intermediate_size=inner_width,
        vocab_size=vocabulary,
        kv_heads=_number(table, _KV_HEADS) or heads,
        head_dim=_number(table, ("head_dim",)) or max(1, width // heads),
        positions=_number(table, _POSITIONS),
        dtype=_dtype(config, table, stored_dtype),
        chat_template=_has_chat_template(base, adapter, folder, beside),
    )


def positions(folder: Path) -> int | None:
    """Returns how many tokens a model can take by its configuration; None if that does not say."""
    return _number(_language_model(read_settings(folder / CONFIG) or {}), _POSITIONS)


def decoder_params(
    config: Mapping[str, Any],
    *,
    hidden_size: int,
    layers: int,
    heads: int,
    intermediate_size: int,
    vocab_size: int,
) -> int:
    """Returns the weights of a Llama-like decoder, without its norms.

    Query and output are hidden x (heads x width of a head), key and value have the key-value heads
    alone, the gated MLP has three matrices, and head and embedding are one where they are tied.
    Touvron et al. 2023, arXiv 2302.13971; key-value heads: Ainslie et al. 2023, arXiv 2305.13245.

    Args:
        config: The rest of the configuration: key-value heads, width of a head, tied embeddings.
        hidden_size: Width of the residual stream.
        layers: Blocks.
        heads: Attention heads.
        intermediate_size: Width of the MLP.
        vocab_size: Tokens.
    """
    width = _number(config, ("head_dim",)) or hidden_size // heads
    kv_heads = _number(config, _KV_HEADS) or heads
    attention = 2 * hidden_size * width * (heads + kv_heads)
    embeddings = 1 if config.get("tie_word_embeddings") else 2
    block = attention + 3 * hidden_size * intermediate_size
    return layers * block + embeddings * vocab_size * hidden_size


def _language_model(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration with what it says of its language model.

    Models that see pictures too keep the language model's numbers in a table of their own.
    """
    inner = config.get("text_config")
    return {**config, **inner} if isinstance(inner, dict) else config


def _dtype(config: Mapping[str, Any], table: Mapping[str, Any], stored: str | None) -> str | None:
    """The precision that the configuration names, else the one that the weights are stored in."""
    for source in (config, table):
        for key in ("dtype", "torch_dtype"):
            if isinstance(source.get(key), str):
                return str(source[key]).removeprefix("torch.")
    return {"F32": "float32", "BF16": "bfloat16", "F16": "float16", "F64": "float64"}.get(
        stored or "", None if stored is None else stored.lower()
    )


def _has_chat_template(
    base: Mapping[str, Any], adapter: Mapping[str, Any] | None, folder: Path, beside: Path
) -> bool | None:
    """Whether the tokenizer of adapter or base has a template; None where no tokenizer is here."""
    folders: list[Path | None] = []
    if adapter is not None and adapter.get("kind") == "local" and "path" in adapter:
        folders.append(local_folder(str(adapter["path"]), beside))
    elif adapter is not None and adapter.get("kind") == "hub" and "repo" in adapter:
        revision = str(adapter.get("revision", "main"))
        names = [f"{adapter.get('folder') or '.'}/{name}" for name in DESCRIPTION_FILES]
        folders.append(
            _cached(str(adapter["repo"]), revision, [n.removeprefix("./") for n in names])
        )
    tokenizer = base.get("tokenizer")
    if isinstance(tokenizer, Mapping) and "repo" in tokenizer:
        repo, revision = str(tokenizer["repo"]), str(tokenizer.get("revision", "main"))
        folders.append(_cached(repo, revision, DESCRIPTION_FILES))
    else:
        folders.append(folder)
    answers = [_template_in(one) for one in folders if one is not None]
    known = [answer for answer in answers if answer is not None]
    return any(known) if known else None


def _template_in(folder: Path) -> bool | None:
    """Whether a folder's tokenizer has a chat template; None where there is no tokenizer."""
    names = ("chat_template.jinja", "chat_template.json", SEVERAL_TEMPLATES)
    if any((folder / name).exists() for name in names):
        return True
    config = read_settings(folder / "tokenizer_config.json")
    return None if config is None else bool(config.get("chat_template"))


def _cached(repo: str, revision: str, names: Sequence[str] = (CONFIG,)) -> Path | None:
    """The folder in the hub's cache that holds any of some files of a repository."""
    from huggingface_hub import constants, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    # Read at each call: the hub's library reads the variable once, when it is imported.
    chosen = os.environ.get("HF_HUB_CACHE")
    cache = Path(os.path.expandvars(chosen)).expanduser() if chosen else constants.HF_HUB_CACHE
    for name in names:
        try:
            found = try_to_load_from_cache(repo, name, cache_dir=cache, revision=revision)
        except HFValidationError:
            return None  # What is no repository's name is refused where it is fetched.
        if isinstance(found, str):
            return Path(found).parent
    return None


def _number(table: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    """The first of some keys that holds a count."""
    for name in names:
        value = table.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None
