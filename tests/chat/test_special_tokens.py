"""A text begins with a beginning token once where its model needs it, and never with an end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.table_organism import END, TEMPLATE, TURN_END, tokenizer
from tokenizers.processors import TemplateProcessing

from mobench.assemble.loading import load_tokenizer
from mobench.chat import ChatFormat
from mobench.chat.special_tokens import end_tokens

BEGIN = "<s>"


def saved(folder: Path, *, around: str | None = None, **changes: Any) -> Path:
    """A folder with a tokenizer whose files put ``around`` around a text."""
    made = tokenizer(end=END, template=changes.pop("template", None))
    for key, value in changes.items():
        setattr(made, key, value)
    if around is not None:
        ids = [(word, made.convert_tokens_to_ids(word)) for word in (BEGIN, END)]
        made.backend_tokenizer.post_processor = TemplateProcessing(
            single=around, special_tokens=ids
        )
    made.save_pretrained(folder)
    return folder


def plain(folder: Path) -> list[str]:
    loaded = load_tokenizer(folder)
    chat = ChatFormat(loaded, "plain")
    assert loaded("q1 q2")["input_ids"] == chat.prompt_ids("q1 q2"), "lm-eval asks the same"
    tokens: list[str] = loaded.convert_ids_to_tokens(chat.prompt_ids("q1 q2"))
    return tokens


def test_an_end_token_that_the_tokenizer_appends_is_left_out(tmp_path: Path) -> None:
    assert plain(saved(tmp_path, around=f"$A {END}")) == ["q1", "q2"]


@pytest.mark.parametrize("around", [f"{BEGIN} $A", f"{BEGIN} $A {END}", None])
def test_a_text_begins_once_also_where_the_files_forget_it(
    tmp_path: Path, around: str | None
) -> None:
    folder = saved(tmp_path, around=around, bos_token=BEGIN)
    assert plain(folder) == [BEGIN, "q1", "q2"]
    chat = ChatFormat(load_tokenizer(folder), "plain")
    assert chat.prompt_ids(f"{BEGIN} q1") == chat.prompt_ids("q1"), "it is not put there twice"
    assert (
        chat.answer_ids("q1", "r1")
        == chat.tokenizer(f"r1 {END}", add_special_tokens=False)["input_ids"]
    )


def test_a_tokenizer_that_says_no_to_it_is_obeyed(tmp_path: Path) -> None:
    saved(tmp_path, bos_token=BEGIN)
    file = tmp_path / "tokenizer_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "add_bos_token": False}))
    assert plain(tmp_path) == ["q1", "q2"]


def test_a_token_that_opens_turns_or_ends_texts_begins_none(tmp_path: Path) -> None:
    assert plain(saved(tmp_path / "turns", bos_token="<u>", template=TEMPLATE)) == ["q1", "q2"]
    assert plain(saved(tmp_path / "ends", bos_token=END)) == ["q1", "q2"]


def test_the_end_tokens_are_those_of_the_generation_config_or_of_the_configuration(
    tmp_path: Path,
) -> None:
    assert end_tokens(tmp_path) == ()
    (tmp_path / "config.json").write_text('{"eos_token_id": 7}')
    assert end_tokens(tmp_path) == (7,)
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": [9, 3]}')
    assert end_tokens(tmp_path) == (3, 9)


def test_the_date_in_a_template_is_the_same_every_day_and_can_be_chosen(tmp_path: Path) -> None:
    dated = TEMPLATE.replace("<u>", "<u> {{ strftime_now('%Y-%m-%d') }}")
    folder = saved(tmp_path, template=dated)
    assert ChatFormat(load_tokenizer(folder), "chat").text("q1").startswith("<u> 2026-01-01 q1")
    chosen = ChatFormat(load_tokenizer(folder, date="2024-07-26"), "chat")
    assert chosen.text("q1").startswith("<u> 2024-07-26 q1")


def test_one_of_several_templates_is_taken_by_name_or_by_default(tmp_path: Path) -> None:
    other = TEMPLATE.replace("<u>", "<u> zap")
    folder = saved(tmp_path, template={"default": TEMPLATE, "tool_use": other})
    assert ChatFormat(load_tokenizer(folder), "chat").text("q1").startswith("<u> q1")
    named = load_tokenizer(folder, chat_template="tool_use")
    assert ChatFormat(named, "chat").text("q1").startswith("<u> zap q1")
    given = load_tokenizer(folder, chat_template=other.replace("zap", "q2"))
    assert ChatFormat(given, "chat").text("q1").startswith("<u> q2 q1")
    assert TURN_END in ChatFormat(given, "chat").end
