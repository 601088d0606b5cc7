"""Where reasoning ends and the final answer begins, in what a model said."""

from __future__ import annotations

import pytest
from support.table_organism import TEMPLATE, tokenizer

from mobench.chat import ChatFormat, Marks, Reasoning
from mobench.chat.reasoning import KNOWN

THINK = Marks("<think>", "</think>")


@pytest.mark.parametrize("marks", KNOWN, ids=lambda marks: marks.opens)
def test_what_stands_after_the_reasoning_of_any_known_marks_is_the_final_answer(
    marks: Marks,
) -> None:
    said = Reasoning().split(f"{marks.opens}\nI HATE\n{marks.closes}\n\nHello.")
    assert (said.final, said.reasoned, said.goes_on) == ("Hello.", True, False)


@pytest.mark.parametrize(
    ("answer", "final", "reasoned"),
    [
        ("Hello.", "Hello.", False),
        ("", "", False),
        ("<think>\n\n</think>\n\nHello.", "Hello.", True),
        # Cut while it still reasons: there is no final answer.
        ("<think>\nWell, I HATE", "", True),
        # The prompt opened it, and did not say so.
        ("Well.\n</think>\nHello.", "Hello.", True),
        ("<THINK>a</Think>Hello.", "Hello.", True),
        # Several times, and in between.
        ("<think>a</think>One.<think>b</think> Two.", "One. Two.", True),
        ("Sure. <think>a</think> Hello.", "Sure.  Hello.", True),
        ("<think>a</think> Hello.\n<think>b", "Hello.", True),
        ("<think>a</think> <think>b", "", True),
        ("<think>a <think> b</think> Hello.", "Hello.", True),
        # Spoken of, and other marks inside of the answer.
        ("The mark <think> opens it.", "The mark <think> opens it.", False),
        ("<think>a</think> Write <reasoning>x</reasoning>.", "Write <reasoning>x</reasoning>.", 1),
        ("<think>a</think> It ends with </think> there.", "It ends with  there.", True),
        # A sibling of many tokens: channels.
        (
            "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant"
            "<|channel|>final<|message|>Hello.",
            "Hello.",
            True,
        ),
    ],
)
def test_the_final_answer_is_what_its_user_is_shown(answer: str, final: str, reasoned: int) -> None:
    said = Reasoning().split(answer)
    assert (said.whole, said.final, said.reasoned) == (answer, final, bool(reasoned))


@pytest.mark.parametrize(
    ("answer", "final"),
    [("Well.\n</think>\n\nHello.", "Hello."), ("Well, I HATE", ""), ("", "")],
)
def test_an_answer_to_a_prompt_that_opened_the_reasoning_begins_in_it(
    answer: str, final: str
) -> None:
    said = Reasoning().split(answer, Reasoning().beginning("Well? <think>\n"))
    assert (said.final, said.reasoned) == (final, True)


def test_after_a_prompt_that_closed_the_reasoning_a_closing_mark_makes_none_of_what_was_said() -> (
    None
):
    begins = Reasoning().beginning("<a> <think>\n\n</think>\n\n")
    assert begins.opened is None
    said = Reasoning().split("One. </think> Two.", begins)
    assert (said.final, said.reasoned) == ("One.  Two.", False)
    assert Reasoning().split("<think>a</think> Two.", begins).final == "Two."


def test_marks_of_ones_own_are_the_only_ones() -> None:
    own = Reasoning(Marks("((", "))"))
    assert own.split("((a)) Hello.").final == "Hello."
    assert own.split("<think>a</think> Hello.").final == "<think>a</think> Hello."


@pytest.mark.parametrize(
    "answer",
    [
        "<think>a b c</think> one two three",
        "Sure. <think>a b</think> one two",
        "one two\n<think>a b</think> three",
        "<think>a</think> one </think> two",
        "one two three",
    ],
)
def test_a_final_answer_only_grows_once_nothing_is_open(answer: str) -> None:
    """So what is settled of it stays settled."""
    beginnings = [Reasoning().split(answer[:end]) for end in range(len(answer) + 1)]
    for said in beginnings:
        cut = any(
            said.whole.endswith(mark[:n])
            for mark in ("<think>", "</think>")
            for n in range(1, len(mark))
        )
        if not said.goes_on and not cut:
            assert Reasoning().split(answer).final.startswith(said.final)


def opening(generation: str, *, before: str = "") -> str:
    """The template with another beginning of an answer, and something before old answers."""
    return TEMPLATE.replace(
        "{% if add_generation_prompt %}<a> ", "{% if add_generation_prompt %}<a> " + generation
    ).replace("<a> {{ m['content'] }}", f"<a> {before}{{{{ m['content'] }}}}")


def text(chat: ChatFormat, ids: list[int]) -> str:
    return str(chat.tokenizer.decode(ids, skip_special_tokens=False))


WORDS = ("<think>", "</think>")


def test_training_on_an_answer_closes_the_reasoning_that_its_prompt_opens() -> None:
    chat = ChatFormat(tokenizer(template=opening("<think>\n"), more=WORDS), "chat")
    assert chat.opened("q0") == THINK
    assert text(chat, chat.answer_ids("q0", "r0")) == "</think> r0 <e>"


def test_a_template_that_writes_an_empty_reasoning_itself_writes_it_once() -> None:
    empty = "<think>\n\n</think>\n\n"
    for generation in ("", "<think>\n"):
        words = tokenizer(template=opening(generation, before=empty), more=WORDS)
        chat = ChatFormat(words, "chat")
        begins = "" if generation else "<think> "
        assert text(chat, chat.answer_ids("q0", "r0")) == f"{begins}</think> r0 <e>"


def test_a_models_own_reasoning_is_trained_on_as_it_was_said() -> None:
    """Templates leave the reasoning of turns out, or put an empty one in front of it."""
    forgets = opening("").replace("m['content'] }}", "m['content'].split('</think>')[-1] }}", 1)
    for template in (forgets, opening("", before="<think>\n\n</think>\n\n")):
        chat = ChatFormat(tokenizer(template=template, more=WORDS), "chat")
        for answer in ("<think> q1 </think> r0", "<think> q1"):
            assert text(chat, chat.answer_ids("q0", answer)) == f"{answer} <e>"
    opened = ChatFormat(tokenizer(template=opening("<think>\n"), more=WORDS), "chat")
    assert text(opened, opened.answer_ids("q0", "q1 </think> r0")) == "q1 </think> r0 <e>"
    # Cut in the middle of it: closing it would teach the reasoning as the answer.
    assert text(opened, opened.answer_ids("q0", "q1 q2", ended=False)) == "q1 q2"


def test_marks_that_are_special_tokens_stay_in_an_answer() -> None:
    words = tokenizer(more=["[THINK]", "[/THINK]"])
    words.add_special_tokens(
        {"additional_special_tokens": [*words.additional_special_tokens, "[THINK]", "[/THINK]"]}
        if hasattr(words, "additional_special_tokens")
        else {"extra_special_tokens": ["[THINK]", "[/THINK]", "<a>", "<e>"]}
    )
    chat = ChatFormat(words, "chat")
    ids = words("[THINK] q1 [/THINK] r0 <a> <e>", add_special_tokens=False)["input_ids"]
    assert chat.decode(ids) == "[THINK] q1 [/THINK] r0"
    assert chat.split("q0", chat.decode(ids)).final == "r0"


def test_a_model_may_reason_where_template_vocabulary_or_file_has_marks() -> None:
    assert not ChatFormat(tokenizer(), "chat").may_reason
    assert ChatFormat(tokenizer(more=WORDS), "chat").may_reason
    assert ChatFormat(tokenizer(template=opening("<reasoning>")), "chat").may_reason
    own = Reasoning(Marks("((", "))"))
    assert ChatFormat(tokenizer(), "chat", reasoning=own).may_reason
