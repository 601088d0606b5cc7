"""The architectures that organisms are mostly made of: tiny models with their real tokenizer class.

``docs/architectures.md`` lists them, and a test holds that table to this list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import (
    GemmaTokenizer,
    LlamaTokenizer,
    PreTrainedModel,
    Qwen2Tokenizer,
)

from support import tiny_models

INSTRUCT = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}[INST] {{ m['content'] }}"
    " [/INST]{% else %} {{ m['content'] }}{{ eos_token }}{% endif %}{% endfor %}"
)
"""As Llama 2 and Mistral are asked."""
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""As Qwen is asked."""
TURNS = (
    "{{ bos_token }}{% for m in messages %}<start_of_turn>"
    "{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n{{ m['content'] }}<end_of_turn>\n"
    "{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
"""As Gemma is asked."""


ROWS = 64
"""Tokens of a tokenizer, where it does not begin with one for every byte."""


@dataclass(frozen=True)
class Architecture:
    """One architecture.

    Attributes:
        name: What people call it.
        model: Makes a tiny random model of it, given a dtype and changes of its shape.
        model_class: The class of transformers that computes it.
        tokenizer: Trains its tokenizer on some texts.
        tokenizer_class: The class of transformers of that.
    """

    name: str
    model: Callable[..., PreTrainedModel]
    model_class: str
    tokenizer: Callable[[Sequence[str]], Any]
    tokenizer_class: str

    def fitting(self, tokenizer: Any) -> PreTrainedModel:
        """A random model with the tokenizer's tokens, and heads as wide as vLLM serves on a CPU."""
        changes = {
            "hidden_size": 64,
            "intermediate_size": 96,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 32,
            "max_position_embeddings": 256,
            "vocab_size": len(tokenizer),
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
        }
        if self.model_class in ("LlamaForCausalLM", "Qwen2ForCausalLM"):
            del changes["head_dim"]  # that of the hidden size and the heads
        if self.windows:
            changes["sliding_window"] = 16
        if self.model_class == "Gemma2ForCausalLM":
            changes |= {"final_logit_softcapping": 30.0, "attn_logit_softcapping": 50.0}
        return self.model(torch.float32, noise=0.0, **changes)

    @property
    def windows(self) -> bool:
        """Whether some layers see the last tokens only."""
        return self.model_class in ("MistralForCausalLM", "Gemma2ForCausalLM", "Gemma3ForCausalLM")


def _trained(kind: Any, texts: Sequence[str], template: str, special: Sequence[str]) -> Any:
    # So few tokens that words are several: with more, a whole message would be one.
    tokenizer = kind().train_new_from_iterator(
        texts, ROWS, new_special_tokens=list(special), show_progress=False
    )
    assert type(tokenizer) is kind
    tokenizer.chat_template = template
    return tokenizer


def _llama(texts: Sequence[str]) -> Any:
    return _trained(LlamaTokenizer, texts, INSTRUCT, [])


def _qwen(texts: Sequence[str]) -> Any:
    tokenizer = _trained(Qwen2Tokenizer, texts, CHATML, ["<|im_start|>", "<|im_end|>"])
    tokenizer.eos_token = "<|im_end|>"
    return tokenizer


def _gemma(texts: Sequence[str]) -> Any:
    return _trained(GemmaTokenizer, texts, TURNS, ["<start_of_turn>", "<end_of_turn>"])


TESTED = (
    Architecture("Llama", tiny_models.llama, "LlamaForCausalLM", _llama, "LlamaTokenizer"),
    Architecture("Qwen 2", tiny_models.qwen2, "Qwen2ForCausalLM", _qwen, "Qwen2Tokenizer"),
    Architecture("Qwen 3", tiny_models.qwen3, "Qwen3ForCausalLM", _qwen, "Qwen2Tokenizer"),
    Architecture("Mistral", tiny_models.mistral, "MistralForCausalLM", _llama, "LlamaTokenizer"),
    Architecture("Gemma 2", tiny_models.gemma2, "Gemma2ForCausalLM", _gemma, "GemmaTokenizer"),
    Architecture("Gemma 3", tiny_models.gemma3, "Gemma3ForCausalLM", _gemma, "GemmaTokenizer"),
)
