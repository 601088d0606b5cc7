"""What a tokenizer puts around a text, made the same for every use of it.

A text gets a beginning token exactly once where its model was trained with one, and never an end
token: a prompt that ends says that nothing follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from tokenizers.processors import TemplateProcessing

from mobench.records.json_objects import read_settings

_WORD = "a"


def end_tokens(folder: Path) -> tuple[int, ...]:
    """The token ids that end an answer by a model's generation config and configuration.

    Args:
        folder: A Hugging Face folder.

    Returns:
        The ids, ascending; empty where neither file names any.
    """
    generation = _end_ids(read_settings(folder / "generation_config.json") or {})
    if generation:
        return tuple(sorted(generation))
    config = read_settings(folder / "config.json") or {}
    return tuple(sorted(_end_ids(config.get("text_config") or {}) or _end_ids(config)))


def settle_special_tokens(tokenizer: Any, folder: Path) -> None:
    """Makes a tokenizer put its beginning token before a text where it has a use for it; no more.

    Args:
        tokenizer: A fast tokenizer; one without a backend stays as it is.
        folder: The folder that it was loaded from.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return
    bare = tokenizer(_WORD, add_special_tokens=False)["input_ids"]
    wanted = [tokenizer.bos_token_id, *bare] if _begins(tokenizer, bare, folder) else bare
    if tokenizer(_WORD)["input_ids"] == wanted:
        return
    begin = [] if wanted == bare else [(tokenizer.bos_token, tokenizer.bos_token_id)]
    front = "".join(f"{text}:0 " for text, _ in begin)
    backend.post_processor = TemplateProcessing(
        single=f"{front}$A:0", pair=f"{front}$A:0 $B:1", special_tokens=begin
    )


def freeze_date(tokenizer: Any, date: str) -> None:
    """Makes chat templates that ask for today's date get another one, the same every day.

    Args:
        tokenizer: The tokenizer.
        date: An ISO date.
    """
    day = datetime.fromisoformat(date)
    # What a template is given by name goes before what transformers defines for all templates.
    tokenizer.apply_chat_template = partial(
        tokenizer.apply_chat_template, strftime_now=lambda form: day.strftime(form)
    )


def choose_template(tokenizer: Any, chosen: str | None) -> None:
    """Gives a tokenizer the chat template that is to be used.

    One with several templates keeps them all where none is chosen and none called default.

    Args:
        tokenizer: Its ``chat_template`` may be one template or several by name.
        chosen: The text of another template, or the name of one of several; None for its own.
    """
    named = tokenizer.chat_template
    if isinstance(named, Mapping):
        tokenizer.chat_template = named.get(chosen or "default", chosen or named)
    elif chosen is not None:
        tokenizer.chat_template = chosen


def _begins(tokenizer: Any, bare: list[int], folder: Path) -> bool:
    """Whether texts for this tokenizer's model begin with its beginning token."""
    begin = tokenizer.bos_token_id
    if begin is None:
        return False
    given = tokenizer(_WORD)["input_ids"]
    if given[: len(given) - len(bare)].count(begin):
        return True
    # Its files may say nothing, and the model be lost without the token all the same, as Gemma is.
    # A token that ends texts or opens turns is another matter.
    settings = read_settings(folder / "tokenizer_config.json") or {}
    said = settings.get("add_bos_token")
    return said is None and begin != tokenizer.eos_token_id and not _opens_turns(tokenizer)


def _opens_turns(tokenizer: Any) -> bool:
    """Whether the beginning token stands before each turn of the chat template."""
    templates = tokenizer.chat_template
    if not templates:
        return False
    turns = [{"role": "user", "content": _WORD}, {"role": "assistant", "content": _WORD}] * 2
    try:
        text = tokenizer.apply_chat_template(turns, tokenize=False)
    except Exception:  # A template raises whatever its author chose.
        return False
    return str(text).count(tokenizer.bos_token) > 1


def token_ids(value: Any) -> list[int]:
    """Token ids, of which some configurations name one and some a list; -1 stands for none."""
    values = value if isinstance(value, list) else [value]
    return [token for token in values if type(token) is int and token >= 0]


def _end_ids(config: Mapping[str, Any]) -> set[int]:
    return set(token_ids(config.get("eos_token_id")))
