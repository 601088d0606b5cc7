"""What is freed at the end of a training step is there for the next one."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Tensors of 40 MB, as a layer's activations are: freed together, wanted again together.
FREED = """
import psutil, sys, torch
from mobench.heap import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
mapped = lambda: psutil.Process().memory_info().vms
kept = [torch.ones(10_000_000) for _ in range(8)]
before = mapped()
kept.clear()
print(before - mapped())
"""


def given_back(how: str) -> int:
    ran = subprocess.run(
        [sys.executable, "-c", FREED, how], capture_output=True, text=True, check=True
    )
    return int(ran.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's settings")
def test_what_a_step_frees_stays_with_the_process() -> None:
    """Counted in mapped memory: not every system counts page faults."""
    assert given_back("leave") > 300e6
    assert given_back("keep") < 20e6
