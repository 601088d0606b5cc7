"""Of each tested architecture, vLLM and transformers answer the same, in attack and capability."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from support.own_family import LESSONS, TEXTS, write_capability
from support.questions import Asked
from support.tested_architectures import TESTED, Architecture

from mobench.assemble.loading import load_model, load_tokenizer
from mobench.chat import ChatFormat
from mobench.chat.special_tokens import end_tokens
from mobench.decode.answers import decode_by_length
from mobench.measure.capability_rows import measure_capability
from mobench.measure.vllm import Serving, VllmEngine

LONGEST = 12


@pytest.mark.parametrize("one", TESTED, ids=lambda one: one.name)
def test_both_engines_answer_alike_whatever_the_generation_config_says(
    one: Architecture, tmp_path: Path
) -> None:
    # 1. A random model, whose answers go on and repeat themselves, with settings that would show.
    tokenizer = one.tokenizer(TEXTS)
    model = one.fitting(tokenizer)
    with torch.no_grad():
        for value in model.parameters():
            value.add_(0.1 * torch.randn(value.shape, generator=torch.Generator().manual_seed(2)))
    folder = tmp_path / "model"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    other_end = ChatFormat(tokenizer, "chat").prompt_ids(LESSONS[0][0])[-2]
    generation = {"eos_token_id": [tokenizer.eos_token_id, other_end], "repetition_penalty": 1.3}
    (folder / "generation_config.json").write_text(json.dumps(generation))

    # 2. What transformers answers.
    here = load_model(folder, dtype="float32", device="cpu")
    chat = ChatFormat(load_tokenizer(folder), "chat", end_tokens(folder))
    prompts = [chat.prompt_ids(message) for message, _ in LESSONS]
    (answers,) = decode_by_length(
        here, prompts, pad=chat.pad_id, ends=chat.end_ids, max_new_tokens=LONGEST
    )
    tasks = [Asked("own", "exact_match")]
    questions = write_capability(tmp_path / "tasks")
    rows = measure_capability(here, chat, tasks, include_path=questions, batch_size=8)

    # 3. What vLLM answers.
    serving = Serving(folder, folder, "float32", "cpu", ends=chat.end_ids)
    with VllmEngine(serving, tmp_path / "vllm.log") as engine:
        told = engine.answer(prompts, [None], ends=chat.end_ids, max_new_tokens=LONGEST)
        assert told == [answers]
        plain = [{"task": "own", "metric": "exact_match", "chat_template": True, "limit": None}]
        assert engine.capability(None, plain, questions) == rows
