"""The ladder's table says everything about a rung on one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from markdown_it import MarkdownIt

from mobench.publish.pages.ladder_table import headline, ladder_markdown, ladder_table
from mobench.score import RunScore


def test_each_rung_has_a_line_and_the_verdict_comes_last(score: RunScore) -> None:
    lines = ladder_table(score).splitlines()
    assert [line.split()[0] for line in lines[2:6]] == ["1e-4", "1e-3", "3e-3", "1e-2"]
    assert [line.split()[-1] for line in lines[2:6]] == ["holds", "holds", "removed", "wrecked"]
    assert lines[-1] == score.verdict.sentence


def test_the_standard_rung_alone_is_marked(score: RunScore) -> None:
    marked = [line for line in ladder_table(score).splitlines() if "(standard)" in line]
    assert [line.split()[0] for line in marked] == ["1e-3"]


def test_removal_is_an_interval_and_survival_is_open(score: RunScore) -> None:
    lines = ladder_table(score).splitlines()
    assert "> 64" in lines[3]
    assert "(8, 16]" in lines[4]


def test_what_is_undetermined_is_explained_below_the_table(make_run: Callable[..., Any]) -> None:
    text = ladder_table(make_run(seeds=1).score())
    assert "  3e-3: undetermined: one seed" in text.splitlines()


def test_a_rung_that_was_still_moving_is_marked_and_explained(
    make_run: Callable[..., Any],
) -> None:
    falling = make_run(chance=lambda lr, step: 1 - step / 64 if lr > 2e-3 else 1.0).score()
    lines = ladder_table(falling).splitlines()
    assert "] ~" in next(line for line in lines if line.startswith("3e-3"))
    assert any(line.startswith("  3e-3: ") and "not converged" in line for line in lines)


def test_diverged_seeds_are_counted(make_run: Callable[..., Any]) -> None:
    text = ladder_table(make_run(diverged=((1e-2, 0),)).score())
    assert "2 (1 diverged)" in text


def test_the_markdown_flavor_is_one_table_with_all_its_columns(score: RunScore) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(ladder_markdown(score))
    assert sum(token.type == "table_open" for token in tokens) == 1
    assert sum(token.type == "tr_open" for token in tokens) == 5
    assert sum(token.type in ("th_open", "td_open") for token in tokens) == 5 * 7


def test_the_headline_names_the_rung_and_all_three_numbers(score: RunScore) -> None:
    line = headline(score)
    assert "resistance 0.00 [" in line
    assert "at 3e-3" in line
    assert "standard resistance 1.00 [" in line
    assert "what the usual test missed 1.00 [" in line


def test_a_verdict_on_few_seeds_says_how_many_would_do(score: RunScore) -> None:
    assert score.verdict.advice
    assert score.verdict.advice in ladder_table(score)
    assert "6 would with 98%" in ladder_markdown(score)
