"""What mobench cannot run right is refused by its configuration, and the documentation lists it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from support.hub_organisms import word_tokenizer
from support.tested_architectures import TESTED
from support.tiny_models import gemma3, llama, mistral, token_ids
from transformers import (
    BartConfig,
    BertConfig,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    JambaConfig,
    LlavaConfig,
    Mamba2Config,
    MambaConfig,
    PreTrainedConfig,
    RwkvConfig,
    T5Config,
    ViTConfig,
    XLNetConfig,
)

from mobench.assemble.architecture import UNSUPPORTED, refuse_unsupported
from mobench.assemble.loading import load_model
from mobench.errors import MobenchError

DOCUMENT = Path(__file__).parents[2] / "docs" / "architectures.md"


def configured(folder: Path, fields: dict[str, Any]) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(fields))
    return folder


def fields_of(config: PreTrainedConfig) -> dict[str, Any]:
    return {**config.to_dict(), "architectures": [type(config).__name__.replace("Config", "Model")]}


def quantized(**how: Any) -> dict[str, Any]:
    return {**llama().config.to_dict(), "quantization_config": how}


REFUSED: list[tuple[int, dict[str, Any], str]] = [
    (0, quantized(quant_method="bitsandbytes", load_in_4bit=True), "(bitsandbytes, 4 bits)"),
    (0, quantized(quant_method="gptq", bits=4), "(gptq, 4 bits)"),
    (0, quantized(quant_method="fp8"), "(fp8)"),
    (0, quantized(quant_method="compressed-tensors"), "(compressed-tensors)"),
    (1, {"model_type": "made-up", "architectures": ["MadeUpForCausalLM"]}, "MadeUpForCausalLM"),
    (1, {"hidden_size": 4}, "a model without a type"),
    (2, fields_of(T5Config()), "T5Model"),
    (2, fields_of(BartConfig()), "BartModel"),
    (3, fields_of(Gemma3Config()), "Gemma3Model"),
    (3, fields_of(LlavaConfig()), "LlavaModel"),
    (4, fields_of(ViTConfig()), "ViTModel"),
    (5, fields_of(BertConfig()), "BertModel"),
    (6, fields_of(MambaConfig()), "MambaModel"),
    (6, fields_of(Mamba2Config()), "Mamba2Model"),
    (6, fields_of(JambaConfig()), "JambaModel"),
    (6, fields_of(RwkvConfig()), "RwkvModel"),
    (6, fields_of(XLNetConfig()), "XLNetModel"),
]


@pytest.mark.parametrize(("kind", "fields", "named"), REFUSED, ids=lambda it: str(it)[:20])
def test_it_is_named_with_its_file_before_anything_is_loaded(
    tmp_path: Path, kind: int, fields: dict[str, Any], named: str
) -> None:
    folder = configured(tmp_path / "model", fields)
    with pytest.raises(MobenchError) as told:
        load_model(folder, dtype="float32", device="cpu")
    assert told.value.fact.startswith(f"{folder / 'config.json'}: ")
    assert named in told.value.fact
    assert told.value.remedy == UNSUPPORTED[kind].remedy


def test_weights_that_were_quantized_beside_their_configuration_are_refused(tmp_path: Path) -> None:
    folder = configured(tmp_path / "model", llama().config.to_dict())
    (folder / "quantize_config.json").write_text('{"bits": 4}')
    with pytest.raises(MobenchError, match=r"quantized \(quantize_config\.json\)"):
        refuse_unsupported(folder)


@pytest.mark.parametrize(
    "model",
    [*(one.model for one in TESTED), mistral, gemma3],
    ids=[*(one.name for one in TESTED), "sliding windows", "some sliding windows"],
)
def test_what_is_tested_is_not_refused(tmp_path: Path, model: Any) -> None:
    refuse_unsupported(configured(tmp_path / "model", {**model(torch.float32).config.to_dict()}))


def test_a_language_model_that_was_saved_alone_as_documented_is_the_same_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = gemma3(torch.float32).config.to_dict()
    seen = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    sight = {**seen, "num_attention_heads": 2, "image_size": 28, "patch_size": 14}
    config = Gemma3Config(text_config=text, vision_config=sight, mm_tokens_per_image=4)
    whole = Gemma3ForConditionalGeneration(config).eval()
    whole.save_pretrained("FOLDER")
    word_tokenizer(["hello"], None).save_pretrained("FOLDER")
    (script,) = re.findall("```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    exec(script, {})
    alone, ids = load_model(Path("OTHER"), dtype="float32", device="cpu"), token_ids(2, 12)
    with torch.inference_mode():
        assert torch.equal(alone(input_ids=ids).logits, whole(input_ids=ids).logits)


def test_the_documentation_lists_what_is_tested_and_what_is_refused_and_nothing_else() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in DOCUMENT.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and not line.startswith("| ---")
    ]
    tested = [[one.name, one.model_class, f"`{one.tokenizer_class}`"] for one in TESTED]
    refused = [[kind.kind, kind.fact.replace("{}", "…"), kind.remedy] for kind in UNSUPPORTED]
    assert [row[:3] for row in rows if row in refused or row[:3] in tested] == [*tested, *refused]
    assert len(rows) == len(tested) + len(refused) + 2, "two heads, and no other row"
