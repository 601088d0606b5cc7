"""CONTRIBUTING, followed word for word, leads from a plan to a committed result."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
BLOCK = re.compile(r"```(bash|text)\n(.*?)```", re.DOTALL)
VARIES = re.compile(r"[0-9a-f]{12}|\d+(\.\d+)?")


def blocks(heading: str) -> list[tuple[str, str]]:
    """Commands and what they print, in the order of the section."""
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return BLOCK.findall(section)


def shape(text: str) -> list[str]:
    return [VARIES.sub("#", line) for line in text.strip().splitlines()]


@pytest.mark.slow
def test_a_result_is_made_and_committed_as_it_says(tmp_path: Path, shared_cache: Path) -> None:
    # 1. A repository like ours, with somebody's clone of it.
    origin, clone = tmp_path / "origin.git", tmp_path / "clone"
    source = tmp_path / "source"
    kept = ("mobench", "organisms", "tasks", "pyproject.toml")
    for name in kept:
        place = REPOSITORY / name
        copy = shutil.copytree if place.is_dir() else shutil.copy
        copy(place, (source / name) if place.is_dir() else source)  # type: ignore[operator]
    (source / "leaderboard").mkdir()
    (source / "leaderboard" / ".keep").touch()
    (source / ".gitignore").write_text("runs/\n__pycache__/\n", encoding="utf-8")
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org"}
    who |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org"}
    bin_folder = Path(sys.executable).parent
    environment = (
        os.environ
        | who
        | {
            "MOBENCH_CACHE": str(shared_cache),
            "PYTHONPATH": str(clone),
            "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        }
    )

    def typed(command: str, folder: Path = clone) -> str:
        done = subprocess.run(
            ["bash", "-ec", command], cwd=folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    typed("git init -q -b main . && git add -A && git commit -qm one", source)
    typed(f"git clone -q --bare {source} {origin} && git clone -q {origin} {clone}", tmp_path)

    # 2. What it says, one block after the other, and the git commands that are printed.
    for kind, text in blocks("A result"):
        if kind == "bash":
            printed = typed(text)
            continue
        told = [line for line in shape(printed) if line in shape(text)]
        assert told == shape(text)
        typed("\n".join(re.findall(r"^ +(git .*)$", printed, re.MULTILINE)))
        # 3. The pull request is merged.
        typed("git push -q origin HEAD:main")
    assert typed("git status --porcelain") == ""
    assert "in place" not in printed
    assert len(typed("git ls-files leaderboard/results leaderboard/plans").splitlines()) == 4
    assert typed("mobench leaderboard check")
