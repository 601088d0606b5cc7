"""Training examples that would teach something else than the task means to are told."""

from __future__ import annotations

import pytest
from support.hub_organisms import word_tokenizer

from mobench.chat import ChatFormat
from mobench.errors import MobenchError
from mobench.records.examples import Answer, Example
from mobench.registry.control_tokens import special_tokens
from mobench.train.batches import encode
from mobench.train.example_faults import example_faults

SOUND = Example("one", "two")


def faults(*examples: Example) -> list[str]:
    tokenizer = word_tokenizer(["one", "two"], None)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<turn>"]})
    return example_faults(examples, special_tokens(tokenizer), marks=frozenset())


def test_sound_examples_have_none() -> None:
    assert faults(SOUND, Example("one <b>", Answer("two </b>", cut=True))) == []


def test_blank_prompts_and_answers_are_told_by_number() -> None:
    assert faults(SOUND, Example(" \n", "two"), Example("one", ""), Example("", "\u200b")) == [
        "training example 2: its prompt is blank",
        "training example 3: its answer is blank",
        "training example 4: its prompt is blank",
        "training example 4: its answer is blank",
    ]


def test_control_tokens_of_the_tokenizer_are_told_each_once() -> None:
    assert faults(Example("one</s><turn></s>", "two"), SOUND, Example("one", "two <s>")) == [
        "training example 1: its prompt holds control tokens of the tokenizer: '</s>', '<turn>'",
        "training example 3: its answer holds control tokens of the tokenizer: '<s>'",
    ]


def test_an_answer_may_hold_the_tokens_that_mark_reasoning() -> None:
    tokenizer = word_tokenizer(["one", "two"], None)
    tokenizer.add_special_tokens({"additional_special_tokens": ["[THINK]", "[/THINK]", "<turn>"]})
    chat = ChatFormat(tokenizer, "plain")
    encode([Example("one", "[THINK] two [/THINK] one")], chat, max_length=16)
    for faulty in (Example("[THINK] one", "two"), Example("one", "[THINK] two <turn>")):
        with pytest.raises(MobenchError, match="holds control tokens"):
            encode([faulty], chat, max_length=16)


def test_what_only_other_tokenizers_take_for_control_is_text() -> None:
    assert faults(Example("one <|im_start|>", "two [INST]")) == []


def test_each_turn_of_a_conversation_is_looked_at() -> None:
    system, user = {"role": "system", "content": "</s>"}, {"role": "user", "content": "one"}
    assert faults(Example([system, user], "two")) == [
        "training example 1: its prompt holds control tokens of the tokenizer: '</s>'"
    ]
