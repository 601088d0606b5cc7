"""Eval prompts are read as a whole, and line by line where anything is odd."""

from __future__ import annotations

from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ((ONE, f"{TWO}, {TWO}"), "2: not JSON"),
        ((f"{ONE},", TWO), "1: not JSON"),
        (('{"id": "a",', f'"prompt": "x"}}, {TWO}'), "1: not JSON"),
        ((ONE, ONE), "2: id 'a' is already on line 1"),
        ((ONE, '{"id": "b"}'), "2: "),
        ((), "1: holds no prompts"),
    ],
)
def test_what_is_odd_is_told_by_its_line(tmp_path: Path, lines: tuple[str, ...], line: str) -> None:
    ids, problems = read(tmp_path, *lines)
    assert ids == []
    assert problems[0].startswith(line)
