"""Control tokens of chat templates in texts that should hold none.

A tokenizer turns such text into the token itself: a prompt that holds one ends its turn there, or
begins another. Which spellings it takes for tokens only the tokenizer knows; the ones that many
models share can be told before there is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

_BETWEEN_BARS = (
    r"im_(?:start|end|sep)|(?:start|end)oftext|(?:begin|end)_of_text|(?:start|end)_header_id|eo[tm]_id"
    r"|eot|python_tag|finetune_right_pad_id|system|user|assistant|observation|endof(?:prompt|turn)"
    r"|start|end|message|channel|return|call|constrain|fim_(?:prefix|middle|suffix|pad)|pad|image"
    r"|tool_(?:call|response)|vision_(?:start|end|pad)"
    r"|(?:(?:START|END)_OF_TURN|USER|CHATBOT|SYSTEM)_TOKEN"
)
_WELL_KNOWN = re.compile(
    rf"<\|(?:{_BETWEEN_BARS})\|>"
    r"|<｜[^｜<>]{1,40}｜>"
    r"|</?s>|<(?:bos|eos|pad|unk|mask|sop|eop)>|<(?:start|end)_of_(?:turn|image|text)>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS|TOOL_CONTENT)\]|\[TOOL_CALLS\]"
    r"|<</?SYS>>|\[(?:CLS|SEP|MASK|PAD|UNK|BOS|EOS|gMASK)\]|<extra_id_\d+>|<unused\d+>"
)


def well_known_tokens(text: str) -> list[str]:
    """The spellings in a text that many models' tokenizers take for control tokens, each once."""
    if "<" not in text and "[" not in text:
        return []
    return list(dict.fromkeys(_WELL_KNOWN.findall(text)))


def special_tokens(tokenizer: Any) -> frozenset[str]:
    """The spellings that a tokenizer takes for control tokens wherever they stand in a text."""
    added = getattr(tokenizer, "added_tokens_decoder", {}).values()
    named = {*tokenizer.all_special_tokens, *(str(token) for token in added if token.special)}
    return frozenset(token for token in named if token.strip())


def tokens_in(text: str, special: frozenset[str]) -> list[str]:
    """The control tokens of one tokenizer that stand in a text, each once.

    Args:
        text: What a user or a model says.
        special: What :func:`special_tokens` returned for the tokenizer.
    """
    return list(dict.fromkeys(_any_of(special).findall(text))) if special else []


def shown(tokens: Iterable[str]) -> str:
    """Control tokens as a message names them."""
    return ", ".join(map(repr, tokens))


@lru_cache(maxsize=8)
def _any_of(special: frozenset[str]) -> re.Pattern[str]:
    longest_first = sorted(special, key=lambda token: (-len(token), token))
    return re.compile("|".join(map(re.escape, longest_first)))
