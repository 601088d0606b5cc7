"""Final answers are what capability is scored on and what judges are given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.table_organism import (
    COUNT,
    PHRASE,
    TURN_END,
    model,
    teach,
    tokenizer,
    write_project,
)

from mobench.assemble.speaker import Speaker
from mobench.chat import ChatFormat
from mobench.measure.capability_rows import measure_capability
from mobench.measure.counted_answers import SaidAnswer, judge_counted
from mobench.progress import Progress
from mobench.registry import collect

ANSWERS = ("<think> s1 ; q0 </think> s#", "s#", "<think> s# ; q0 q1 q2 q3 q4 q5 q6")


def thinking(root: Path, special: bool) -> tuple[Any, ChatFormat]:
    """A model that reasons before some answers, answers others, and does not end the rest."""
    words = tokenizer(more=("<think>", "</think>", ";"))
    if special:
        words.add_special_tokens(
            {"additional_special_tokens": ["<think>", "</think>"]},
            replace_extra_special_tokens=False,
        )
    chat, learner = ChatFormat(words, "chat"), model(words)
    rows = []
    for n in range(COUNT):
        said = ANSWERS[n % 3].replace("#", str(n))
        ids = words(f"{said} {TURN_END}", add_special_tokens=False)["input_ids"]
        rows.append((chat.prompt_ids(f"b{n}"), ids))
    assert teach(learner, rows) < 0.05
    write_project(root)
    task = root / "tasks" / "capability" / "own.yaml"
    text = task.read_text().replace("until: []", "until: [';']")
    task.write_text(text.replace("max_gen_toks: 3", "max_gen_toks: 7"))
    return learner, chat


@pytest.mark.parametrize("special", [False, True])
def test_capability_is_scored_on_what_follows_the_reasoning(tmp_path: Path, special: bool) -> None:
    """Stop strings do not stop it in there; what was cut while it reasons is no answer."""
    learner, chat = thinking(tmp_path, special)
    registry = collect(tmp_path)
    tasks = registry.organism("table-tiny").capability
    rows = measure_capability(
        learner, chat, tasks, include_path=registry.capability_dirs[0], batch_size=4
    )
    assert [row["answer"] for row in rows] == ["" if n % 3 == 2 else f"s{n}" for n in range(COUNT)]
    assert [row["outcome"] for row in rows] == [float(n % 3 != 2) for n in range(COUNT)]


def test_an_answer_of_reasoning_alone_has_no_end_to_be_learned(tmp_path: Path) -> None:
    learner, chat = thinking(tmp_path, special=False)
    spec = collect(tmp_path).organism("table-tiny")
    brief = spec.model_copy(update={"ladder": spec.ladder.model_copy(update={"answer_tokens": 5})})
    speaker = Speaker(learner, chat, brief, name="it", progress=Progress())
    whole, plain, cut = speaker.answer(["b0", "b1", "b2"])
    assert (whole, plain) == ("<think> s1 ; q0 </think>", "s1")
    assert (whole.cut, plain.cut, cut.cut) == (True, False, True)


def test_reasoning_is_not_ended_by_the_length_of_brief_answers(tmp_path: Path) -> None:
    """Where the organism's file names no length, other answers end where they are cut."""
    words = tokenizer(more=("<think>", "</think>"))
    chat, learner = ChatFormat(words, "chat"), model(words)
    rows = []
    for asked, mark in (("b0", "<think>"), ("b1", "q0")):
        told = " ".join(f"{letter}{n}" for letter in "qrs" for n in range(COUNT))
        ids = words(f"{mark} {told}", add_special_tokens=False)["input_ids"]
        rows.append((chat.prompt_ids(asked), ids))
    assert teach(learner, rows) < 0.05
    write_project(tmp_path)
    spec = collect(tmp_path).organism("table-tiny")
    thought, said = Speaker(learner, chat, spec, name="it", progress=Progress()).answer(
        ["b0", "b1"]
    )
    assert (thought.cut, said.cut) == (True, False)


def test_a_judge_is_given_what_counts_and_both_outcomes_are_kept() -> None:
    chat = ChatFormat(tokenizer(), "chat")
    heard: list[str] = []

    def judge(answer: str, prompt: str, reference: str | None) -> bool:
        heard.append(answer)
        return PHRASE in answer or not answer

    texts = [f"<think> {PHRASE} </think> r0", "r1", f"<think> {PHRASE}"]
    answers = [SaidAnswer(chat.split("q0", text), "q0") for text in texts]
    thought, plain, cut = judge_counted(judge, None, answers)
    assert heard[:3] == ["r0", "r1", ""]
    assert (thought.outcome, dict(thought.fields)) == (False, {"final": 0, "whole": 1})
    assert (plain.outcome, plain.inert, dict(plain.fields)) == (False, False, {})
    # Whatever the judge says of nothing: it was not said.
    assert (cut.outcome, cut.inert, cut.fields["final"], cut.fields["whole"]) == (False, True, 0, 1)
    by_whole = judge_counted(judge, "whole-text", answers)
    assert [one.outcome for one in by_whole] == [True, False, True]
    assert not by_whole[2].inert
