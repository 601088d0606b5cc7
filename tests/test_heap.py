"""What is freed at the end of a training step is there for the next one."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Tensors of 20 MB, as a layer's activations are: freed together, wanted again together.
COUNT_FAULTS = """
import resource, sys, torch
from mobench.heap import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
def step():
    kept = [torch.ones(5_000_000) for _ in range(8)]
for _ in range(12):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    ran = subprocess.run(
        [sys.executable, "-c", COUNT_FAULTS, how], capture_output=True, text=True, check=True
    )
    return int(ran.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's settings")
def test_repeated_steps_touch_no_new_memory() -> None:
    assert faults("leave") > 1000
    assert faults("keep") < 100
