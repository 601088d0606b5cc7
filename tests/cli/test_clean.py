"""``mobench clean`` removes what nothing needs, and never what somebody gave or is still making."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.run_folder import write_run

from mobench.cli import main
from mobench.machine.staging import is_abandoned, staging_prefix
from mobench.store import RunFolder


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def gone() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def mobench(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["clean", *arguments])
    assert result.exit_code == 0, result.output
    return result


def make(path: Path, content: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_what_is_shown_is_removed_only_when_asked(tmp_path: Path, gone: int) -> None:
    organisms = tmp_path / "cache" / "organisms"
    half = make(organisms / f"{staging_prefix('toy-1', gone)}abc" / "model.safetensors").parent
    ours = make(organisms / f"{staging_prefix('toy-1', os.getpid())}abc" / "model.safetensors")
    built = make(organisms / "toy-1" / "model.safetensors")
    hidden = make(organisms / ".notes" / "mine.txt")
    given = make(tmp_path / "weights" / "model.safetensors")
    shown = mobench()
    assert str(half) in shown.output
    assert "mobench clean --yes" in shown.output
    assert half.is_dir()
    assert "1 bytes are free again" in mobench("--yes").output
    assert not half.exists()
    assert all(path.is_file() for path in (ours, built, hidden, given))
    assert "nothing that is not needed" in mobench().output


def test_of_a_run_it_takes_stale_files_and_states_and_no_result(tmp_path: Path, gone: int) -> None:
    run = RunFolder(write_run(tmp_path / "runs" / "a"))
    cell = run.cells()[0]
    stale = [
        make(cell.path / "rows" / f"{staging_prefix('000001-attack.jsonl', gone)}abc"),
        make(run.path / f"{staging_prefix('manifest.json', gone)}abc"),
        make(cell.path / "adapters" / "step-000099" / "model.safetensors").parent,
        make(cell.path / "moments.safetensors"),
        make(run.pack("p") / "progress.json", json.dumps({"cells": []})).parent,
    ]
    before = {path for path in run.path.rglob("*") if path.is_file()}
    listed = json.loads(mobench("--json").output)
    assert {Path(one["path"]).absolute() for one in listed["left"]} == set(stale)
    assert not listed["removed"]
    mobench("--yes")
    after = {path for path in run.path.rglob("*") if path.is_file()}
    lost = before - after
    assert all(any(path.is_relative_to(one) for one in stale) for path in lost)
    assert not any(one.exists() for one in stale)
    assert run.cells()[0].faults() == {}


def test_an_unfinished_run_keeps_what_it_goes_on_from(tmp_path: Path) -> None:
    run = RunFolder(write_run(tmp_path / "runs" / "a"))
    cell = run.cells()[0]
    cell.result_path.unlink()
    state = make(run.pack("p") / "progress.json", json.dumps({"cells": [cell.path.name]}))
    moments = make(cell.path / "moments.safetensors")
    assert "nothing that is not needed" in mobench("--yes").output
    assert state.is_file()
    assert moments.is_file()


def test_what_another_host_is_making_is_left_alone_for_days(tmp_path: Path, gone: int) -> None:
    name = staging_prefix("toy", gone)
    host = name.removeprefix(".toy.mobench-").rsplit("-", 1)[0]
    path = make(tmp_path / f"{name.replace(host, 'elsewhere')}abc")
    assert not is_abandoned(path)
    os.utime(path, (1, 1))
    assert is_abandoned(path)
    assert not is_abandoned(make(tmp_path / ".gitignore"))


def test_what_a_stopped_build_has_come_to_stays_for_a_day(tmp_path: Path) -> None:
    states = tmp_path / "cache" / "building"
    young = make(states / "toy-1-cpu" / "phase-1-ab.safetensors")
    old = make(states / "toy-2-cpu" / "phase-1-ab.safetensors")
    yesterday = old.stat().st_mtime - 86_500
    os.utime(old, (yesterday, yesterday))
    assert str(old.parent) in mobench("--yes").output
    assert not old.parent.exists()
    assert young.is_file()
