"""Commands in processes of their own that begin at once: forked from one that has imported all."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: Its exit code; negative for the signal that ended it.
        said: What it printed, to either stream.
        seconds: How long it ran.
    """

    code: int
    said: str
    seconds: float

    @property
    def has_traceback(self) -> bool:
        """Whether it ended with a traceback."""
        return "Traceback (most recent call last)" in self.said


def warm_up() -> None:
    """Imports what commands import when they begin, so that processes forked from here need not."""
    import lm_eval.evaluator
    import lm_eval.tasks
    import peft
    import transformers.models.llama

    import mobench.execute.run
    import mobench.gate.described_weights
    import mobench.gate.preflight
    import mobench.publish.pages.leaderboard
    import mobench.publish.pages.run_report
    import mobench.publish.submission.export
    import mobench.score.recompute

    assert all((lm_eval, peft, transformers, mobench))


def command(
    *arguments: str,
    tree: Path,
    cache: Path,
    kill_after: float | None = None,
    by: int = signal.SIGKILL,
) -> Ended:
    """Runs ``mobench ARGUMENTS`` in a project.

    Args:
        arguments: What stands after ``mobench``.
        tree: The project's folder.
        cache: Where organisms are built.
        kill_after: Seconds after which it is killed, if it runs so long; None lets it end.
        by: The signal.
    """
    log = tree / f"soak-{os.getpid()}.log"
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        _become(arguments, tree, cache, log)
    status = None
    if kill_after is not None:
        while status is None and time.monotonic() < started + kill_after:
            status = _ended(child)
            time.sleep(0.005)
        if status is None:
            os.kill(child, by)
    if status is None:
        _, status = os.waitpid(child, 0)
    said = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    log.unlink(missing_ok=True)
    return Ended(os.waitstatus_to_exitcode(status), said, time.monotonic() - started)


def _ended(child: int) -> int | None:
    """The status of a process that has ended, or None."""
    found, status = os.waitpid(child, os.WNOHANG)
    return status if found else None


def _become(arguments: tuple[str, ...], tree: Path, cache: Path, log: Path) -> None:
    """Runs the command in this process and ends it; never returns."""
    code = 70
    try:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
        # As a shell starts a command; whoever forked may ignore them.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.chdir(tree)
        os.environ |= {"MOBENCH_CACHE": str(cache), "MOBENCH_PROGRESS_SECONDS": "0"}
        from mobench.cli import main

        try:
            main(list(arguments), prog_name="mobench")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
    except KeyboardInterrupt:
        code = 130  # Before the command began, or after its end.
    finally:
        os._exit(code)
