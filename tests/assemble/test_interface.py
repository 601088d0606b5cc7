"""A cell's interface is another where the same weights would be asked or heard in another way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.table_organism import TEMPLATE, tokenizer

from mobench.assemble.interface import interface_of
from mobench.chat import ChatFormat

CONFIG = {"vocab_size": 50, "rope_theta": 1e4, "transformers_version": "5.19", "dtype": "float32"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    return tmp_path


def identity(folder: Path, chat: ChatFormat | None = None, date: str = "2026-01-01") -> str:
    return interface_of(chat or ChatFormat(tokenizer(), "chat"), folder, date=date).identity


def test_it_is_the_same_for_the_same_model_and_for_another_version_of_the_library(
    folder: Path,
) -> None:
    before = identity(folder)
    asked = ChatFormat(tokenizer(), "chat")
    asked.tokenizer(["q1", "q2 q3"], padding=True)
    assert identity(folder, asked) == before, "a batch that was padded changes nothing"
    changed = {**CONFIG, "transformers_version": "6.0", "dtype": "bfloat16", "_name_or_path": "x"}
    changed["unsloth_version"] = "2026.1"
    (folder / "config.json").write_text(json.dumps(changed))
    assert identity(folder) == before


def test_configuration_template_words_and_ends_make_another(folder: Path) -> None:
    found = [
        identity(folder),
        identity(
            folder, ChatFormat(tokenizer(template=TEMPLATE.replace("zap", "b1") + " "), "chat")
        ),
        identity(folder, ChatFormat(tokenizer(more=["new"]), "chat")),
        identity(folder, ChatFormat(tokenizer(), "chat", generation_ends=(9,))),
        identity(folder, ChatFormat(tokenizer(), "plain")),
    ]
    (folder / "config.json").write_text(json.dumps({**CONFIG, "rope_theta": 5e5}))
    found.append(identity(folder))
    assert len(set(found)) == len(found)


def test_the_date_counts_where_the_template_asks_for_it(folder: Path) -> None:
    dated = ChatFormat(tokenizer(template="{{ strftime_now('%Y') }}" + TEMPLATE), "chat")
    assert identity(folder, dated) != identity(folder, dated, date="2024-07-26")
    assert identity(folder) == identity(folder, date="2024-07-26")
    assert interface_of(dated, folder, date="2024-07-26").date == "2024-07-26"
