"""Claims: one process has a thing at a time, and what a lost one had is another's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from mobench.store.claims import Claims, this_process

TAKE_AND_WAIT = """
import sys, time
from pathlib import Path
from mobench.store.claims import Claims
claims = Claims(Path(sys.argv[1]), heartbeat=0.1, expiry=float(sys.argv[2]))
print(claims.take("cell"), flush=True)
time.sleep(600)
"""


def other(folder: Path, expiry: float = 60.0) -> subprocess.Popen[str]:
    """Another process that tries to claim ``cell``, and stays."""
    command = [sys.executable, "-c", TAKE_AND_WAIT, str(folder), str(expiry)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_what_a_living_process_has_nobody_else_gets_and_what_it_leaves_is_free(
    tmp_path: Path,
) -> None:
    process = other(tmp_path)
    try:
        assert answer(process) == "True"
        mine = Claims(tmp_path)
        assert not mine.take("cell")
        assert mine.of_others() == {"cell"}
        assert mine.take("another")
        assert mine.of_others() == {"cell"}, "one's own are none of others'"
    finally:
        process.kill()
        process.wait()
    assert mine.of_others() == set(), "its process is gone"
    assert mine.take("cell")
    mine.close()
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_one_of_many_that_come_at_once_gets_it(tmp_path: Path) -> None:
    for number in range(20):
        with ThreadPoolExecutor(8) as pool:
            takers = [Claims(tmp_path / str(number)) for _ in range(8)]
            assert sum(pool.map(lambda claims: claims.take("cell"), takers)) == 1


def test_a_claim_of_another_machine_is_kept_while_it_is_touched_and_expires_after_that(
    tmp_path: Path,
) -> None:
    elsewhere = replace(this_process(), id="other", host="elsewhere")
    path = tmp_path / "cell.json"
    path.write_text(json.dumps(asdict(elsewhere)))
    mine = Claims(tmp_path, expiry=0.5)
    assert not mine.take("cell")
    os.utime(path)
    time.sleep(0.3)
    os.utime(path)
    time.sleep(0.3)
    assert not mine.take("cell"), "it is touched"
    time.sleep(0.4)
    assert mine.take("cell")
    mine.close()


def test_a_pulse_keeps_a_claim_for_longer_than_it_would_live(tmp_path: Path) -> None:
    mine = Claims(tmp_path, heartbeat=0.1, expiry=0.5)
    assert mine.take("cell")
    path = tmp_path / "cell.json"
    time.sleep(1.2)
    assert time.time() - path.stat().st_mtime < 0.5
    mine.close()


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"id": 3}', "\x00"])
def test_a_claim_that_nobody_can_read_expires_as_others_do(tmp_path: Path, content: str) -> None:
    path = tmp_path / "cell.json"
    path.write_text(content)
    mine = Claims(tmp_path, expiry=0.5)
    assert not mine.take("cell")
    long_ago = time.time() - 10
    os.utime(path, (long_ago, long_ago))
    assert mine.take("cell")
    mine.close()


def test_letting_go_leaves_what_another_has_taken_over(tmp_path: Path) -> None:
    mine = Claims(tmp_path)
    assert mine.take("cell")
    path = tmp_path / "cell.json"
    theirs = json.dumps(asdict(replace(this_process(), id="other", host="elsewhere")))
    path.write_text(theirs)
    mine.let_go("cell")
    assert path.read_text() == theirs


def test_a_number_that_another_process_has_now_is_no_sign_of_life(tmp_path: Path) -> None:
    before = replace(this_process(), id="before", born=this_process().born - 3600)
    (tmp_path / "cell.json").write_text(json.dumps(asdict(before)))
    mine = Claims(tmp_path)
    assert mine.take("cell")
    mine.close()
