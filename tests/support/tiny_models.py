"""Tiny models with real architectures, to compare stacks of lanes with plain training."""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

VOCABULARY = 40
SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "bos_token_id": None,
}


def llama(
    dtype: torch.dtype = torch.float64, noise: float = 0.1, **changes: Any
) -> PreTrainedModel:
    """The same Llama whenever it is asked for."""
    return _drawn(LlamaForCausalLM, LlamaConfig(**{**SHAPE, **changes}), dtype, noise)


def qwen2(
    dtype: torch.dtype = torch.float64, noise: float = 0.1, **changes: Any
) -> PreTrainedModel:
    """A Qwen2: its attention has biases."""
    return _drawn(Qwen2ForCausalLM, Qwen2Config(**{**SHAPE, **changes}), dtype, noise)


def qwen3(
    dtype: torch.dtype = torch.float64, noise: float = 0.1, **changes: Any
) -> PreTrainedModel:
    """A Qwen3: it norms queries and keys."""
    return _drawn(
        Qwen3ForCausalLM, Qwen3Config(**{**SHAPE, "head_dim": 8, **changes}), dtype, noise
    )


def mistral(
    dtype: torch.dtype = torch.float64, noise: float = 0.1, **changes: Any
) -> PreTrainedModel:
    """A Mistral that sees only the last six tokens."""
    config = MistralConfig(**{**SHAPE, "sliding_window": 6, **changes})
    return _drawn(MistralForCausalLM, config, dtype, noise)


def gemma2(
    dtype: torch.dtype = torch.float64, noise: float = 0.1, **changes: Any
) -> PreTrainedModel:
    """A Gemma 2: scaled embeddings, capped scores and logits, a head that is its embedding."""
    caps = {"final_logit_softcapping": 0.5, "attn_logit_softcapping": 2.0, "sliding_window": 6}
    config = Gemma2Config(**{**SHAPE, **caps, "head_dim": 8, "bos_token_id": 1, **changes})
    return _drawn(Gemma2ForCausalLM, config, dtype, noise)


def gemma3(
    dtype: torch.dtype = torch.float64, noise: float = 0.1, **changes: Any
) -> PreTrainedModel:
    """A Gemma 3: one layer that sees all tokens, one that sees the last six."""
    own = {"sliding_window": 6, "layer_types": ["sliding_attention", "full_attention"]}
    config = Gemma3TextConfig(**{**SHAPE, **own, "head_dim": 8, "bos_token_id": 1, **changes})
    return _drawn(Gemma3ForCausalLM, config, dtype, noise)


def gpt2(dtype: torch.dtype = torch.float64, noise: float = 0.1, **changes: Any) -> PreTrainedModel:
    """A GPT-2: its layers are Conv1D, its head is its embedding, and it has dropout."""
    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_embd=32,
        n_layer=2,
        n_head=4,
        n_positions=64,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=1,
        **changes,
    )
    return _drawn(GPT2LMHeadModel, config, dtype, noise)


def _drawn(kind: Any, config: Any, dtype: torch.dtype, noise: float) -> PreTrainedModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: PreTrainedModel = kind(config).to(dtype)
        # As made, biases are 0 and gains 1: a layer that forgot them would go unnoticed.
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * noise)
    return model.eval()


def token_ids(rows: int, tokens: int, seed: int = 0) -> torch.Tensor:
    """Random token ids [rows, tokens], none of them special."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(5, VOCABULARY, (rows, tokens), generator=generator)


def relative(mine: torch.Tensor, reference: torch.Tensor) -> float:
    """Distance of two tensors over the norm of the reference."""
    return float((mine - reference).norm() / reference.norm().clamp(min=1e-300))
