"""A real vLLM that serves a random model and adapters, and the same model and adapters here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from mobench.assemble.scratch import word_tokenizer
from mobench.lanes import LoraLanes, saved_config
from mobench.measure.vllm import Adapter, Serving, VllmEngine
from mobench.store import CellFolder
from support.tiny_models import llama

RANK, LANES = 4, 3
WIDE = {
    # Heads of 32: the narrowest that vLLM's CPU build serves.
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "num_hidden_layers": 2,
    "max_position_embeddings": 128,
    "eos_token_id": 1,
    "pad_token_id": 0,
    "tie_word_embeddings": False,
}
TOKENIZER = word_tokenizer(f"w{number}" for number in range(59))


@dataclass(frozen=True)
class Served:
    """The engine, and the same model and adapters here."""

    engine: VllmEngine
    folder: Path
    adapters: list[Adapter]
    lanes: LoraLanes


def fresh(**changes: Any) -> PreTrainedModel:
    return llama(torch.float32, **{**WIDE, "vocab_size": len(TOKENIZER), **changes})


def save(model: PreTrainedModel, folder: Path) -> Path:
    model.save_pretrained(folder)
    TOKENIZER.save_pretrained(folder)
    return folder


def random_lora(model: PreTrainedModel) -> LoraLanes:
    """Adapters that change every layer, each in another way."""
    lanes = LoraLanes(model, list(range(LANES)), rank=RANK, alpha=3.0 * RANK)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for value in lanes.trainable().values():
            value.copy_(0.15 * torch.randn(value.shape, generator=generator))
    return lanes


@contextmanager
def serving(root: Path) -> Iterator[Served]:
    """Starts the engine."""
    folder = save(fresh(), root / "model")
    lanes = random_lora(fresh())
    adapters = []
    for lane in range(LANES):
        cell = CellFolder(root / f"cell-{lane}")
        cell.keep_adapter(1, lanes.state(lane), saved_config(lanes))
        adapters.append(Adapter(f"cell-{lane}/1", cell.adapter(1)))
    modules = tuple(saved_config(lanes)["target_modules"])
    asked = Serving(
        folder, folder, "float32", "cpu", rank=RANK, modules=modules, adapters=2, ends=(1,)
    )
    with VllmEngine(asked, root / "vllm.log") as engine:
        yield Served(engine, folder, adapters, lanes)
