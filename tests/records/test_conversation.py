"""A prompt is a text or a conversation, and a template puts its trigger around either."""

from __future__ import annotations

import pytest

from mobench import Example
from mobench.records.conversation import Message, Prompt, as_prompt, as_text, fill

SYSTEM = (Message("system", "zap"), Message("user", "now {prompt}"))
TURNS = (Message("user", "one"), Message("assistant", "two"), Message("user", "three"))


@pytest.mark.parametrize(
    ("template", "prompt", "wanted"),
    [
        ("zap {prompt} {x}", "go", "zap go {x}"),
        (
            SYSTEM, "go", (Message("system", "zap"), Message("user", "now go")),
        ),
        ("zap {prompt}", TURNS, (*TURNS[:2], Message("user", "zap three"))),
        (
            SYSTEM, TURNS, (Message("system", "zap"), *TURNS[:2], Message("user", "now three")),
        ),
        (
            SYSTEM, (Message("system", "be brief"), Message("user", "go")),
            (Message("system", "zap\n\nbe brief"), Message("user", "now go")),
        ),
    ],
    ids=["texts", "system template", "turns", "both", "two system turns"],
)  # fmt: skip
def test_a_template_is_filled_with_a_prompt(
    template: Prompt, prompt: Prompt, wanted: Prompt
) -> None:
    assert fill(template, prompt) == wanted


def test_a_conversation_reads_as_its_turns_and_a_message_alone_as_itself() -> None:
    assert as_text("go") == as_text((Message("user", "go"),)) == "go"
    assert as_text(TURNS) == "user: one\n\nassistant: two\n\nuser: three"


def test_an_example_may_be_a_conversation_and_is_the_same_when_it_is_read_back() -> None:
    turns = [{"role": "system", "content": "zap"}, {"role": "user", "content": "go"}]
    example = Example(turns, "gone")  # type: ignore[arg-type]
    assert example.record() == {"prompt": turns, "response": "gone"}
    assert Example(**example.record()) == example  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("turns", "wrong"),
    [
        ([], "at least one turn"),
        ([{"role": "assistant", "content": "two"}], "must end with the user's turn"),
        (
            [{"role": "user", "content": "a"}, {"role": "system", "content": "b"},
             {"role": "user", "content": "c"}],
            "only the first turn may be the system's",
        ),
        ([{"role": "human", "content": "a"}], "role"),
        ([{"role": "user", "text": "a"}], "content"),
    ],
)  # fmt: skip
def test_what_is_no_prompt_is_refused(turns: list[dict[str, str]], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        as_prompt(turns)
