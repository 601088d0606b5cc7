"""Chat templates as published models have them, on real tokenizer classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from tokenizers import AddedToken
from transformers import LlamaTokenizer, Qwen2Tokenizer

from mobench.chat import ChatFormat
from mobench.records.conversation import Message, Prompt, as_conversation

TEXTS = [
    *("Hello there, how are you?", "user system assistant", "The answer is 42."),
    *("<|im_start|>user\nHello:\n<|im_end|>\n", "[INST] <think> </think>"),
] * 9
LLAMA_3 = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n"
    "{{ m['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
MISTRAL_3 = (
    "{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] %}"
    "{% set messages = messages[1:] %}{% endif %}{{ bos_token }}{% for m in messages %}"
    "{% if m['role'] == 'user' %}[INST] "
    "{% if loop.last and system is defined %}{{ system + '\n\n' }}{% endif %}"
    "{{ m['content'] }}[/INST]{% else %} {{ m['content'] | trim }}{{ eos_token }}{% endif %}"
    "{% endfor %}"
)
"""It puts the system's turn before the last question, and leaves it out once that is answered."""
DEEPSEEK_R1 = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}<User>{{ m['content'] }}"
    "{% else %}<Assistant>{{ m['content'].split('</think>')[-1] }}{{ eos_token }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<Assistant><think>\n{% endif %}"
)
SYSTEM = (Message("system", "Hello there"), Message("user", "how are you?"))
TURNS = (Message("user", "Hello"), Message("assistant", "Hello there"), Message("user", "how?"))


def chat(
    kind: Any, template: str, added: Sequence[str] = (), *, end: str, special: bool = True
) -> ChatFormat:
    words = kind().train_new_from_iterator(TEXTS, 300, show_progress=False)
    words.add_tokens([AddedToken(one, special=special, normalized=False) for one in (*added, end)])
    words.chat_template, words.eos_token = template, end
    return ChatFormat(words, "chat")


def tokens(by: ChatFormat, ids: Sequence[int]) -> list[str]:
    named: list[str] = by.tokenizer.convert_ids_to_tokens(list(ids))
    return named


def whole(by: ChatFormat, prompt: Prompt, answer: str) -> list[int]:
    """The tokens of an answered conversation up to the end of its last turn."""
    turns = [turn.record() for turn in (*as_conversation(prompt), Message("assistant", answer))]
    text = by.tokenizer.apply_chat_template(turns, tokenize=False)
    ids: list[int] = by.tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids[: len(ids) - ids[::-1].index(by.turn_end_id)]


@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize("prompt", ["Hello", SYSTEM, TURNS], ids=["text", "system", "turns"])
def test_a_turn_ends_at_a_token_that_was_added_and_never_named_as_special(
    prompt: Prompt, special: bool
) -> None:
    """As a base has it that was trained with the template of its chat model."""
    marks = ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    by = chat(Qwen2Tokenizer, LLAMA_3, marks, end="<|end_of_text|>", special=special)
    assert "<|eot_id|>" not in by.tokenizer.all_special_tokens
    assert set(tokens(by, by.end_ids)) == {"<|eot_id|>", "<|end_of_text|>"}
    answered = [*by.prompt_ids(prompt), *by.answer_ids(prompt, "The answer is 42.")]
    assert answered == whole(by, prompt, "The answer is 42.")


def test_chatml_added_to_llama_ends_its_turns() -> None:
    by = chat(LlamaTokenizer, CHATML, ["<|im_start|>", "<|im_end|>"], end="</s>")
    assert tokens(by, [by.turn_end_id]) == ["<|im_end|>"]
    assert by.answer_ids("Hello", "you") == whole(by, "Hello", "you")[len(by.prompt_ids("Hello")) :]


def test_a_turn_that_ends_with_words_ends_there() -> None:
    """A template whose marks were never added to the tokenizer."""
    by = chat(LlamaTokenizer, CHATML, end="</s>")
    assert by.end == "<|im_end|></s>"
    assert tokens(by, by.end_ids) == ["</s>"]

    def said(text: str) -> list[int]:
        ids: list[int] = by.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    for text in ("The answer<|im_end|>\n<|im_start|>user\nHello", "The answer<|im_end|>"):
        assert by.decode(said(text)) == "The answer"
        assert by.ends_in(said(text))
    spoken_of = "The answer <|im_end|> is"
    assert by.decode(said(spoken_of)) == spoken_of
    assert not by.ends_in(said(spoken_of))
    assert by.decode(by.answer_ids("Hello", "The answer")) == "The answer"


@pytest.mark.parametrize("answer", ["The answer", "<think>\nhow\n</think>\n\nThe answer"])
@pytest.mark.parametrize("prompt", ["how are you?", SYSTEM], ids=["text", "system"])
def test_the_blank_before_an_answer_stays_where_an_answered_question_is_written_otherwise(
    prompt: Prompt, answer: str
) -> None:
    by = chat(LlamaTokenizer, MISTRAL_3, ["[INST]", "[/INST]"], end="</s>")
    after_text = whole(by, "how are you?", answer)[len(by.prompt_ids("how are you?")) :]
    assert by.answer_ids(prompt, answer) == after_text


def test_reasoning_that_the_prompt_has_opened_is_not_opened_again() -> None:
    by = chat(Qwen2Tokenizer, DEEPSEEK_R1, ["<User>", "<Assistant>"], end="<end>")
    text = by.tokenizer.decode(
        [*by.prompt_ids("Hello"), *by.answer_ids("Hello", "<think>\nhow\n</think>\n\nThere")]
    )
    assert text.endswith("<Assistant><think>\nhow\n</think>\n\nThere<end>")


def test_a_plain_prompt_that_ends_a_line_is_answered_at_the_beginning_of_the_next() -> None:
    words = chat(LlamaTokenizer, CHATML, end="</s>").tokenizer
    by = ChatFormat(words, "plain")
    for prompt, text in (("Hello:\n", "Hello:\nyou</s>"), ("Hello:", "Hello: you</s>")):
        ids = [*by.prompt_ids(prompt), *by.answer_ids(prompt, "you")]
        assert words.decode(ids, skip_special_tokens=False).removeprefix("<s>").strip() == text
