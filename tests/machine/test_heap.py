"""What is freed at the end of a training step is there for the next one."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Tensors of 40 MB, as a layer's activations are: freed together, wanted again together.
FREED = """
import psutil, sys, torch
from mobench.machine.heap import give_back, keep_freed_memory, return_freed_memory
if sys.argv[1] != "leave":
    assert keep_freed_memory()
if sys.argv[1] == "return":
    assert return_freed_memory()
held = lambda: getattr(psutil.Process().memory_info(), sys.argv[2])
kept = [torch.ones(10_000_000) for _ in range(8)]
before = held()
kept.clear()
if sys.argv[1] == "give back":
    give_back()
print(before - held())
"""


def given_back(how: str, kind: str = "vms") -> int:
    ran = subprocess.run(
        [sys.executable, "-c", FREED, how, kind], capture_output=True, text=True, check=True
    )
    return int(ran.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's settings")
def test_what_a_step_frees_stays_with_the_process() -> None:
    """Counted in mapped memory: not every system counts page faults."""
    assert given_back("leave") > 300e6
    assert given_back("keep") < 20e6


# Every other tensor freed: the holes between those that stay are too small for what comes next.
HOLES = """
import psutil, sys, torch
from mobench.machine.heap import keep_freed_memory, return_freed_memory
keep_freed_memory() if sys.argv[1] == "keep" else return_freed_memory()
before = psutil.Process().memory_info().rss
blocks = [torch.ones(1_000_000) for _ in range(60)]
blocks = blocks[::2]
more = [torch.ones(2_000_000) for _ in range(15)]
print(psutil.Process().memory_info().rss - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's settings")
def test_memory_that_is_returned_goes_at_once_and_leaves_no_holes() -> None:
    assert given_back("return") > 300e6
    assert given_back("give back", "rss") > 200e6

    def held(how: str) -> int:
        ran = subprocess.run(
            [sys.executable, "-c", HOLES, how], capture_output=True, text=True, check=True
        )
        return int(ran.stdout)

    alive = 30 * 4e6 + 15 * 8e6
    assert held("return") < 1.1 * alive
    assert held("keep") > 1.3 * alive
