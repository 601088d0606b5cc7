"""A model is loaded whole and generates greedily, or it is said what is wrong with its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from support.tiny_models import gemma2, gpt2, llama
from transformers import GenerationConfig

from mobench.assemble.finished_folder import FINISHED
from mobench.assemble.loading import load_model, load_tokenizer
from mobench.errors import MobenchError

SAMPLED = {
    "temperature": 0.9,
    "top_p": 0.6,
    "repetition_penalty": 1.3,
    "no_repeat_ngram_size": 2,
    "min_length": 9,
    "min_new_tokens": 9,
    "suppress_tokens": [7],
    "begin_suppress_tokens": [8],
    "forced_eos_token_id": 3,
    "bad_words_ids": [[6]],
    "max_length": 4,
    "do_sample": True,
}


def saved(folder: Path, model: Any, **generation: Any) -> Path:
    model.save_pretrained(folder)
    (folder / "generation_config.json").write_text(json.dumps(generation))
    return folder


def loaded(folder: Path) -> Any:
    return load_model(folder, dtype="float32", device="cpu")


def test_what_a_generation_config_says_beside_its_tokens_is_not_used(tmp_path: Path) -> None:
    folder = saved(tmp_path / "a", llama(torch.float32), eos_token_id=1, pad_token_id=0, **SAMPLED)
    ids = torch.tensor([[5, 6, 7, 5, 6]])
    plain = llama(torch.float32)
    plain.generation_config = GenerationConfig(eos_token_id=1, pad_token_id=0, do_sample=False)
    right = plain.generate(ids, max_new_tokens=20)
    assert len(set(right[0].tolist())) < right.shape[1] - 3, "words are repeated"
    assert torch.equal(loaded(folder).generate(ids, max_new_tokens=20), right)


def test_several_end_tokens_stay_several(tmp_path: Path) -> None:
    folder = saved(tmp_path / "a", llama(torch.float32), eos_token_id=[1, 9], bos_token_id=4)
    kept = loaded(folder).generation_config
    assert kept.eos_token_id == [1, 9]
    assert kept.bos_token_id == 4


def test_tokens_that_the_generation_config_does_not_name_are_the_configuration_s(
    tmp_path: Path,
) -> None:
    folder = saved(tmp_path / "a", gemma2(torch.float32), eos_token_id=[1, 9])
    kept = loaded(folder).generation_config
    assert (kept.bos_token_id, kept.eos_token_id, kept.pad_token_id) == (1, [1, 9], 0)
    (folder / "generation_config.json").unlink()
    assert loaded(folder).generation_config.eos_token_id == 1


@pytest.mark.parametrize(
    "odd", [{"temperature": 0.9, "top_p": 0.6}, {"pad_token_id": -1}, {"cache_implementation": "x"}]
)
def test_a_generation_config_that_transformers_would_not_save_can_be_saved(
    tmp_path: Path, odd: dict[str, Any]
) -> None:
    """As Vicuna's and Llama 2's: a temperature, and no sampling."""
    model = loaded(saved(tmp_path / "a", llama(torch.float32), eos_token_id=1, **odd))
    model.save_pretrained(tmp_path / "again")
    assert loaded(tmp_path / "again").generation_config.eos_token_id == 1


def test_settings_of_generation_in_the_configuration_are_not_used_either(tmp_path: Path) -> None:
    """Where they stood before there was a file of their own."""
    folder = saved(tmp_path / "a", llama(torch.float32), eos_token_id=1, pad_token_id=0)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "repetition_penalty": 1.3}))
    ids = torch.tensor([[5, 6, 7, 5, 6]])
    model = loaded(folder)
    right = llama(torch.float32).generate(ids, max_new_tokens=20)
    assert torch.equal(model.generate(ids, max_new_tokens=20), right)
    model.save_pretrained(tmp_path / "again")


def test_names_without_the_model_s_prefix_are_its_weights(tmp_path: Path) -> None:
    """As those of the hub's own gpt2, which was saved without its head."""
    model = gpt2(torch.float32)
    model.transformer.save_pretrained(tmp_path / "bare")
    found = loaded(tmp_path / "bare").state_dict()
    assert all(torch.equal(found[name], value) for name, value in model.state_dict().items())


def test_weights_that_no_file_holds_are_not_drawn_at_random(tmp_path: Path) -> None:
    llama(torch.float32).model.save_pretrained(tmp_path / "headless")
    with pytest.raises(MobenchError, match=r"lacks weights: no file holds lm_head\.weight"):
        loaded(tmp_path / "headless")


@pytest.mark.parametrize("part", ["model", "tokenizer"])
@pytest.mark.parametrize(
    ("where", "remedy"),
    [
        ("mine/weights", "it has to hold what save_pretrained"),
        ("hub/models--me--organism/snapshots/abc", "hf download me/organism --revision abc"),
        ("cache/organisms/x-1", "delete {} and run again"),
        ("cache/mine/weights", "it has to hold what save_pretrained"),
    ],
)
def test_only_what_mobench_made_may_be_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, remedy: str, part: str
) -> None:
    monkeypatch.setenv("MOBENCH_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / where
    llama(torch.float32).save_pretrained(folder)
    (folder / "model.safetensors").write_bytes(b"short")
    (folder / "tokenizer.json").write_text("{")
    made_here = where.startswith("cache/organisms")
    if made_here:
        (folder / FINISHED).write_text("{}")
    with pytest.raises(MobenchError, match=f"the {part} in .* cannot be loaded") as told:
        loaded(folder) if part == "model" else load_tokenizer(folder)
    assert remedy.format(folder) in told.value.remedy
    assert ("delete" in told.value.remedy) == made_here
