"""--judge names a model that can be asked, and nothing of this machine goes into results."""

from __future__ import annotations

from pathlib import Path

import pytest

from mobench.errors import MobenchError
from mobench.measure.judges import parse_choice


def test_an_endpoint_is_its_address_and_a_model() -> None:
    choice = parse_choice("openai:http://127.0.0.1:8000/v1/#org/model-7b")
    assert (choice.kind, choice.location, choice.model) == (
        "openai",
        "http://127.0.0.1:8000/v1",
        "org/model-7b",
    )
    assert parse_choice(choice.option) == choice
    assert "127.0.0.1" not in choice.published_option


def test_a_folder_is_a_model_on_this_disk(tmp_path: Path) -> None:
    (tmp_path / "grader").mkdir()
    (tmp_path / "grader" / "config.json").write_text("{}")
    choice = parse_choice(f"local:{tmp_path / 'grader'}")
    assert (choice.kind, choice.model) == ("local", "grader")
    assert parse_choice(choice.option) == choice
    assert str(tmp_path) not in choice.published_option


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("gpt-4", "not a way to ask a model"),
        ("openai:127.0.0.1:8000#m", "not the address of an endpoint"),
        ("openai:ftp://host/v1#m", "not the address of an endpoint"),
        ("openai:http://host/v1?key=1#m", "not the address of an endpoint"),
        ("openai:http://host:99999/v1#m", "not the address of an endpoint"),
        ("openai:http://[::1/v1#m", "not the address of an endpoint"),
        ("openai:http://host/v1", "which model"),
        ("openai:http://host/v1#", "which model"),
        ("openai:http://host/v1#/home/me/weights", "named by a path"),
        ("openai:http://host/v1#" + "m" * 200, "not one to print"),
        ("local:", "not a way to ask a model"),
        ("local:nowhere", "no config.json"),
    ],
)
def test_what_names_no_model_is_refused(text: str, why: str) -> None:
    with pytest.raises(MobenchError, match=why):
        parse_choice(text)


def test_a_password_in_an_address_is_refused_without_repeating_it() -> None:
    with pytest.raises(MobenchError) as told:
        parse_choice("openai:https://me:s3cret@host/v1#m")
    assert "s3cret" not in str(told.value)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("[::1]", True),
        ("127.example.com", False),
        ("10.0.0.2", False),
        ("example.com", False),
    ],
)
def test_only_the_loopback_is_this_machine(host: str, here: bool) -> None:
    assert parse_choice(f"openai:http://{host}:8000/v1#m").on_this_machine is here
