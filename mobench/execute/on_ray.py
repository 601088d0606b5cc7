"""A run on a Ray cluster: its workers are tasks, wherever there is room for one.

Workers share the run's folder, as they do without Ray, and nothing goes through Ray but how they
end: a worker that is lost with its machine is started again elsewhere and finds what was finished.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mobench.errors import MobenchError
from mobench.execute.worker_life import last_words
from mobench.progress import Progress
from mobench.store import RunFolder

ADDRESS_OF_THIS_MACHINE = "ray"
"""As an address: the cluster that this machine is part of, or else one of this machine alone."""
REACH = 10.0
"""Seconds after which an address does not answer."""
PATIENCE = 20.0
"""Seconds that tasks have to stop by themselves."""
PASSED_ON = ("MOBENCH_", "HF_", "OPENAI_", "PYTHONPATH", "SSL_CERT_FILE")
"""What the names of environment variables begin with that workers need."""


@dataclass(frozen=True)
class Need:
    """What one worker takes of a cluster.

    Attributes:
        cpus: Cores.
        gpus: GPUs; several for a model that one does not hold.
        memory: Of the machine, in bytes.
    """

    cpus: int
    gpus: int
    memory: int


class WorkerLost(Exception):
    """A worker was killed: Ray starts it again."""


def work_on_ray(
    folder: RunFolder, count: int, need: Need, *, address: str, cache: Path, progress: Progress
) -> None:
    """Lets workers on a cluster work on a run until nothing is left of it.

    Args:
        folder: The run's folder, laid out, on a disk that all machines of the cluster share.
        count: How many workers.
        need: What each takes.
        address: ``ray`` or ``ray://HOST:PORT``, or a cluster's ``HOST:PORT``.
        cache: Where the organism lies, on a shared disk too: built on another processor it would
            be another one.
        progress: Where progress is shown.

    Raises:
        MobenchError: Ray is not installed, the cluster cannot be reached or has never room for a
            worker, or all workers failed; what was measured stays.
    """
    ray = _ray()
    with _connected(ray, address, cache):
        _check_room(ray, need)
        task = ray.remote(
            num_cpus=need.cpus,
            num_gpus=need.gpus,
            memory=need.memory or None,
            max_retries=-1,
            retry_exceptions=[WorkerLost],
        )(_work)
        left = [task.remote(str(folder.path), number) for number in range(count)]
        failed: list[str] = []
        try:
            while left:
                planned = folder.planned()
                total = len(planned)
                with progress.phase(f"{count} workers at {total} cells", total) as tick:
                    told = 0
                    while left and len(folder.planned()) == total:
                        done = sum(cell.done for cell in planned)
                        tick(done - told)
                        told = done
                        ended, left = ray.wait(left, timeout=1.0)
                        failed += [log for log in map(ray.get, ended) if log is not None]
        except BaseException:
            _cancel(ray, left)
            raise
    if len(failed) == count:
        raise MobenchError(
            f"all {count} workers failed; one's log ends:\n{failed[0]}",
            f"the logs are in {folder.path / 'workers'}",
        )


def _work(folder: str, number: int) -> str | None:
    """A task: one worker, in a process that ends with this one.

    Returns:
        None where it ended well, else the last lines of its log.

    Raises:
        WorkerLost: It was killed, by want of memory or by somebody.
        MobenchError: The folder is not on this machine.
    """
    log = Path(folder) / "workers" / f"{number}.log"
    if not Path(folder).is_dir():
        raise MobenchError(
            f"{folder} is not on {os.uname().nodename}", "give --runs on a disk that all share"
        )
    log.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "mobench", "work", folder, "--parent", str(os.getpid())]
    with log.open("ab") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        try:
            code = process.wait()
        finally:
            process.terminate()
    if code < 0:
        raise WorkerLost(f"worker {number} ended by signal {-code}")
    return None if code == 0 else last_words(log)


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise MobenchError("Ray is not installed", "pip install 'mobench[ray]'") from None
    return ray


@contextlib.contextmanager
def _connected(ray: Any, address: str, cache: Path) -> Iterator[None]:
    """Connects to a cluster while the block runs.

    Raises:
        MobenchError: It cannot be reached.
    """
    passed = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
    options: dict[str, Any] = {
        "runtime_env": {"env_vars": passed | {"MOBENCH_CACHE": str(cache)}},
        "log_to_driver": False,
        "logging_level": "error",
    }
    _reach(address)
    # Ray has a way of its own with SIGTERM; a command of mobench ends as its others do.
    before = signal.getsignal(signal.SIGTERM)
    try:
        if address == ADDRESS_OF_THIS_MACHINE:
            try:
                ray.init(address="auto", **options)
            except ConnectionError:
                ray.init(**options | {"include_dashboard": False})
        else:
            ray.init(address=address, **options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise MobenchError(
            f"the Ray cluster {address} cannot be reached: {str(error).splitlines()[0]}",
            "start it (`ray start --head`), or give --on ray for this machine's own",
        ) from error
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)
    try:
        yield
    finally:
        ray.shutdown()


def _reach(address: str) -> None:
    """Refuses an address where nobody listens: Ray itself tries for minutes.

    Raises:
        MobenchError: Nobody does.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address == ADDRESS_OF_THIS_MACHINE or not (host and port.isdigit()):
        return
    try:
        socket.create_connection((host, int(port)), timeout=REACH).close()
    except OSError as error:
        raise MobenchError(
            f"the Ray cluster {address} cannot be reached: {error.strerror or error}",
            "start it (`ray start --head`), or give --on ray for this machine's own",
        ) from error


def _check_room(ray: Any, need: Need) -> None:
    """Refuses what no machine of the cluster could ever hold.

    Raises:
        MobenchError: None could.
    """
    wanted = {"CPU": need.cpus, "GPU": need.gpus, "memory": need.memory}
    for node in ray.nodes():
        has = node["Resources"] if node["Alive"] else {}
        if all(has.get(name, 0) >= amount for name, amount in wanted.items()):
            return
    raise MobenchError(
        f"no machine of the cluster has {need.cpus} cores, {need.gpus} GPUs and "
        f"{need.memory / 1024**3:.1f} GiB, which a worker needs",
        "more --workers with fewer cores each, or a larger machine",
    )


def _cancel(ray: Any, tasks: list[Any]) -> None:
    """Stops tasks as Ctrl-C does, and waits a while for them."""
    for task in tasks:
        ray.cancel(task)
    until = time.monotonic() + PATIENCE
    with contextlib.suppress(Exception):
        ray.wait(tasks, num_returns=len(tasks), timeout=max(0.0, until - time.monotonic()))
