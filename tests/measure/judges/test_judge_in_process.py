"""A judging model in this process says what it says alone, greedily, whatever shares its batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from support.tiny_models import llama

from mobench.assemble.scratch import word_tokenizer
from mobench.chat import ChatFormat
from mobench.errors import MobenchError
from mobench.measure.judges import Prompt, Reply
from mobench.measure.judges.in_process import (
    PROMPTS_AT_ONCE,
    InProcess,
    encode_for_judge,
    stored_precision,
)
from mobench.progress import Progress

WORDS = [f"w{number}" for number in range(30)]
TOKENIZER = word_tokenizer(WORDS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("judge")
    # Untied, and noisy: replies differ by prompt.
    model = llama(torch.float32, 0.5, vocab_size=len(TOKENIZER), tie_word_embeddings=False)
    model.save_pretrained(folder)
    TOKENIZER.save_pretrained(folder)
    return folder


def ask(folder: Path, prompts: list[Prompt], longest: int = 6) -> list[Reply]:
    heard: dict[int, Reply] = {}
    InProcess(folder, "cpu", Progress(False)).ask(
        prompts, max_tokens=longest, on_reply=heard.__setitem__
    )
    return [heard[number] for number in range(len(prompts))]


PROMPTS = [Prompt("w1 w2", " ".join(WORDS[n : n + 1 + n % 5])) for n in range(13)]


def test_replies_are_those_of_each_prompt_alone_in_order(folder: Path) -> None:
    alone = [ask(folder, [prompt])[0] for prompt in PROMPTS]
    assert len({reply.text for reply in alone}) > 5
    # Some of them in each of three batches.
    times = 2 * PROMPTS_AT_ONCE // len(PROMPTS) + 1
    assert ask(folder, PROMPTS * times) == alone * times


def test_a_reply_is_the_likeliest_continuation_of_the_template(folder: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    (reply,) = ask(folder, PROMPTS[3:4])
    ids = encode_for_judge(ChatFormat(TOKENIZER, "chat"), PROMPTS[3])
    told: list[int] = []
    for _ in range(6):
        with torch.no_grad():
            told.append(int(model(input_ids=torch.tensor([ids + told])).logits[0, -1].argmax()))
        if told[-1] == TOKENIZER.eos_token_id:
            break
    assert reply.text == TOKENIZER.decode(told, skip_special_tokens=True)
    assert reply.cut == (told[-1] != TOKENIZER.eos_token_id)


def shown(template: str | None) -> str:
    tokenizer: Any = word_tokenizer(WORDS)
    tokenizer.chat_template = template
    chat = ChatFormat(tokenizer, "plain" if template is None else "chat")
    text: str = tokenizer.decode(encode_for_judge(chat, Prompt("w1 w2", "w3 w4")))
    return text


EACH = "{% for m in messages %}{{ m['role'] == 'system' and 'w8' or 'w9' }} {{ m['content'] }} "
ONLY_USER = EACH.replace(
    "{% for m in messages %}",
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no') }}{% endif %}",
)
FORGETS = "{% for m in messages %}{% if m['role'] == 'user' %}w9 {{ m['content'] }} {% endif %}"


def test_the_rubric_reaches_a_model_whatever_its_template_knows() -> None:
    end = "{% endfor %}w7"
    assert shown(EACH + end).split() == ["w8", "w1", "w2", "w9", "w3", "w4", "w7"]
    for template in (ONLY_USER + end, FORGETS + end):
        assert shown(template).split() == ["w9", "w1", "w2", "w3", "w4", "w7"]
    assert shown(None).split() == ["w1", "w2", "w3", "w4"]


def test_a_model_answers_in_the_precision_that_it_is_stored_in(tmp_path: Path) -> None:
    for named, used in (("float32", "float32"), ("bfloat16", "bfloat16"), ("float16", "bfloat16")):
        (tmp_path / "config.json").write_text(f'{{"dtype": "{named}"}}')
        assert stored_precision(tmp_path) == used


def test_a_folder_that_holds_no_model_says_what_to_give(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(MobenchError, match="give --judge local"):
        ask(tmp_path, PROMPTS[:1])
