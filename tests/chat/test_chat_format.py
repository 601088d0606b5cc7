"""A prompt is rendered in one form, and its answer is tokenized and ended as the model says it."""

from __future__ import annotations

from typing import Any

import pytest
from support.table_organism import END, TEMPLATE, TURN_END, tokenizer
from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from mobench.chat import ChatFormat
from mobench.errors import MobenchError
from mobench.records.conversation import Message

MARK = "\u2581"


def tokens(chat: ChatFormat, ids: list[int]) -> list[str]:
    named: list[str] = chat.tokenizer.convert_ids_to_tokens(ids)
    return named


def marking() -> Any:
    """A tokenizer that marks the first word of a text as it marks words after a blank."""
    words = ["<unk>", "<e>", "[USER]", "[BOT]", "one", "two", *(MARK + w for w in ("one", "two"))]
    backend = Tokenizer(WordLevel({w: n for n, w in enumerate([*words, MARK])}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(replacement=MARK, prepend_scheme="first", split=True),
            pre_tokenizers.Split(Regex(r"\[USER\]|\[BOT\]"), "isolated"),
        ]
    )
    backend.decoder = decoders.Metaspace(replacement=MARK, prepend_scheme="first")
    made = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>", eos_token="<e>")
    made.chat_template = (
        "{% for m in messages %}{% if m['role'] == 'user' %}<e>[USER] {{ m['content'] }}"
        "{% else %}[BOT]{{ m['content'] }}<e>{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}[BOT]{% endif %}"
    )
    return made


def test_an_answer_is_tokenized_in_its_place_after_the_prompt() -> None:
    chat = ChatFormat(marking(), "chat")
    assert tokens(chat, chat.tokenizer("one", add_special_tokens=False)["input_ids"]) == [
        MARK + "one"
    ]
    assert tokens(chat, chat.answer_ids("two", "one two")) == ["one", MARK + "two", "<e>"]


def test_where_prompt_and_answer_share_a_token_the_prompt_keeps_its_own() -> None:
    """As it is asked, so it is trained; and the answer begins as a word inside a text does."""
    made = marking()
    made.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    chat = ChatFormat(made, "chat")
    asked = chat.prompt_ids("on")
    assert tokens(chat, [*asked]) == ["<unk>"]
    assert tokens(chat, chat.answer_ids("on", "e", ended=False))[-1] == "<unk>"
    assert chat.prompt_ids("on") == asked


@pytest.mark.parametrize(
    ("template", "between"),
    [
        (TEMPLATE, []),
        (TEMPLATE.replace("<a> {{ m['content'] }}", "<a> zap {{ m['content'] }}"), ["zap"]),
    ],
    ids=["nothing", "a word"],
)
def test_what_the_template_puts_before_an_answer_is_trained_with_it(
    template: str, between: list[str]
) -> None:
    chat = ChatFormat(tokenizer(template=template), "chat")
    assert tokens(chat, chat.answer_ids("q1", "r1")) == [*between, "r1", TURN_END]


def test_an_answer_ends_as_the_template_ends_a_turn_and_at_any_end_token() -> None:
    words = tokenizer(end=END)
    chat = ChatFormat(words, "chat")
    assert tokens(chat, chat.answer_ids("q1", "r1"))[-1] == TURN_END
    assert set(tokens(chat, list(chat.end_ids))) == {END, TURN_END}
    third = words.convert_tokens_to_ids("zap")
    more = ChatFormat(words, "chat", generation_ends=(third,))
    assert set(more.end_ids) == {*chat.end_ids, third}
    assert tokens(more, more.answer_ids("q1", "r1"))[-1] == TURN_END


def test_a_template_that_names_no_end_gets_the_tokenizer_s() -> None:
    bare = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
    chat = ChatFormat(tokenizer(end=END, template=bare), "chat")
    assert tokens(chat, chat.answer_ids("q1", "r1")) == ["r1", END]
    assert tokens(chat, list(chat.end_ids)) == [END]


def test_an_answer_that_was_cut_has_no_end() -> None:
    chat = ChatFormat(tokenizer(), "chat")
    assert tokens(chat, chat.answer_ids("q1", "r1", ended=False)) == ["r1"]


def test_a_conversation_is_rendered_turn_by_turn() -> None:
    chat = ChatFormat(tokenizer(), "chat")
    turns = (
        Message("system", "zap"), Message("user", "q1"), Message("assistant", "r1"),
        Message("user", "q2"),
    )  # fmt: skip
    assert chat.text(turns) == "<s> zap <e> <u> q1 <e> <a> r1 <e> <u> q2 <e> <a> "
    assert tokens(chat, chat.answer_ids(turns, "r2")) == ["r2", TURN_END]


def test_a_template_that_refuses_says_so_in_its_own_words() -> None:
    refuses = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('No system!') }}{% endif %}"
    )
    chat = ChatFormat(tokenizer(template=refuses + TEMPLATE), "chat", remedy="see organism.toml")
    assert chat.text("q1") == "<u> q1 <e> <a> "
    with pytest.raises(MobenchError, match=r"turns system, user: No system!") as told:
        chat.text((Message("system", "zap"), Message("user", "q1")))
    assert told.value.remedy == "see organism.toml"


def test_a_template_that_wants_a_system_turn_still_tells_how_answers_end() -> None:
    wants = "{% if messages[0]['role'] != 'system' %}{{ raise_exception('system!') }}{% endif %}"
    chat = ChatFormat(tokenizer(end=END, template=wants + TEMPLATE), "chat")
    turns = (Message("system", "zap"), Message("user", "q1"))
    assert tokens(chat, chat.answer_ids(turns, "r1")) == ["r1", TURN_END]


def test_a_conversation_cannot_be_asked_without_a_template() -> None:
    chat = ChatFormat(tokenizer(template=None), "plain")
    assert chat.text("q1") == "q1"
    with pytest.raises(MobenchError, match="is asked without a chat template"):
        chat.text((Message("system", "zap"), Message("user", "q1")))


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{% for m in messages %}{% endfor %}{% set x = messages.append(1) %}", "unsafe"),
        ("{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}", "2 sec"),
        ("{% for i in range(10000000000) %}{% endfor %}", "Range too big"),
    ],
)
def test_a_template_reaches_nothing_outside_and_comes_to_an_end(template: str, said: str) -> None:
    made = marking()
    made.chat_template = template
    with pytest.raises(MobenchError, match=said):
        ChatFormat(made, "chat").text("one")
