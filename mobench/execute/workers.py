"""A run with several processes on this machine: each takes what is free from the run's folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mobench.errors import MobenchError
from mobench.execute.worker_life import last_words
from mobench.progress import Progress
from mobench.store import RunFolder

PAUSE = 1.0
"""Seconds between two looks at the workers."""
PATIENCE = 30.0
"""Seconds that a worker has to stop by itself."""
STARTS = 3
"""How often a worker is started that was killed."""


@dataclass
class _Worker:
    """A process at work.

    Attributes:
        number: Which of them, from 0.
        process: The process.
        log: What it says.
        starts: How often it was started.
    """

    number: int
    process: subprocess.Popen[bytes]
    log: Path
    starts: int = 1


def work_together(folder: RunFolder, count: int, *, gpus: int, progress: Progress) -> None:
    """Lets processes work on a run until nothing is left of it.

    Args:
        folder: The run's folder, laid out.
        count: How many.
        gpus: GPUs that each gets, in turn where there are fewer than all need; 0 on a CPU.
        progress: Where progress is shown.

    Raises:
        MobenchError: All workers failed; what was measured stays.
    """
    with _running(folder, count, gpus) as workers:
        while True:
            planned = folder.planned()
            with progress.phase(f"{count} workers at {len(planned)} cells", len(planned)) as tick:
                told = 0
                # A plan that grows has more cells.
                while len(folder.planned()) == len(planned):
                    done = sum(cell.done for cell in planned)
                    tick(done - told)
                    told = done
                    if not _look_after(workers, folder, count, gpus, progress):
                        return
                    time.sleep(PAUSE)


@contextmanager
def _running(folder: RunFolder, count: int, gpus: int) -> Iterator[list[_Worker]]:
    """Starts workers; whatever happens, none of them is left when the block ends."""
    workers: list[_Worker] = []
    try:
        for number in range(count):
            log = folder.path / "workers" / f"{number}.log"
            log.parent.mkdir(exist_ok=True)
            workers.append(_Worker(number, _start(folder, number, count, gpus, log), log))
        yield workers
    finally:
        _stop(workers)


def _start(
    folder: RunFolder, number: int, count: int, gpus: int, log: Path
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "mobench", "work", str(folder.path)]
    command += ["--beside", str(count - 1), "--parent", str(os.getpid())]
    if gpus:
        command += ["--device", "cuda"]  # those that it sees
    with log.open("ab") as file:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=_environment(number, count, gpus),
            # Ctrl-C in a terminal reaches a whole group at once; they are told one after another.
            start_new_session=True,
        )


def _environment(number: int, count: int, gpus: int) -> dict[str, str]:
    """A worker's share of the machine: its GPUs, or its part of the cores."""
    given = dict(os.environ)
    if gpus:
        visible = _gpus()
        # Whole groups of GPUs: what is left over does not hold a model.
        groups = max(1, len(visible) // gpus)
        first = number % groups * gpus
        given["CUDA_VISIBLE_DEVICES"] = ",".join(visible[first : first + gpus])
    else:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        given.setdefault("OMP_NUM_THREADS", str(max(1, (cores or 1) // count)))
    return given


def _gpus() -> list[str]:
    """The GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name.strip() for name in visible.split(",") if name.strip()]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def _look_after(
    workers: list[_Worker], folder: RunFolder, count: int, gpus: int, progress: Progress
) -> bool:
    """Starts killed workers again; returns whether any is still at work.

    Raises:
        MobenchError: All have failed.
    """
    for worker in workers:
        code = worker.process.poll()
        if code is not None and code < 0 and worker.starts < STARTS:
            progress.note(
                f"worker {worker.number} was killed ({signal.Signals(-code).name}): started again"
            )
            worker.process = _start(folder, worker.number, count, gpus, worker.log)
            worker.starts += 1
    codes = [worker.process.poll() for worker in workers]
    if None in codes:
        return True
    if 0 not in codes:
        raise MobenchError(
            f"all {len(workers)} workers failed; the first one's log ends:\n"
            + last_words(workers[0].log),
            f"the logs are in {workers[0].log.parent}; with --workers 1 nothing runs beside it",
        )
    return False


def _stop(workers: Sequence[_Worker]) -> None:
    """Asks workers to stop as Ctrl-C does, and ends those that do not."""
    left = [worker.process for worker in workers if worker.process.poll() is None]
    for process in left:
        process.send_signal(signal.SIGINT)
    until = time.monotonic() + PATIENCE
    for process in left:
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
