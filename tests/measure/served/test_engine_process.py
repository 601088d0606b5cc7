"""The engine's process: it ends with its user, and says why where it cannot serve."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from support.served_model import WIDE, fresh, save

from mobench.errors import MobenchError
from mobench.measure.vllm import Serving, VllmEngine
from mobench.measure.vllm import engine as near

FOREVER = """
import sys, time
from pathlib import Path
from mobench.measure.vllm import Serving, VllmEngine
folder = Path(sys.argv[1])
engine = VllmEngine(Serving(folder, folder, "float32", "cpu"), folder / "vllm.log")
print(engine._process.pid, flush=True)
time.sleep(600)
"""


def gone(pid: int, seconds: float = 20) -> bool:
    until = time.monotonic() + seconds
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def test_an_engine_does_not_outlive_a_user_who_is_killed(tmp_path: Path) -> None:
    user = subprocess.Popen(
        [sys.executable, "-c", FOREVER, str(save(fresh(), tmp_path / "model"))],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert user.stdout is not None
    worker = int(user.stdout.readline())
    assert psutil.pid_exists(worker)
    user.send_signal(signal.SIGKILL)
    user.wait()
    assert gone(worker)


def test_what_cannot_be_served_is_told_with_the_reason_and_the_log(tmp_path: Path) -> None:
    """Heads of 16, as the toy organisms have them, are too narrow for the CPU build."""
    folder = save(fresh(**{**WIDE, "num_attention_heads": 4}), tmp_path / "model")
    with pytest.raises(MobenchError, match="vLLM cannot start") as told:
        VllmEngine(Serving(folder, folder, "float32", "cpu"), tmp_path / "vllm.log")
    assert "head" in str(told.value).casefold()
    assert "vllm.log" in str(told.value)
    assert "--engine hf" in str(told.value)
    assert "Traceback" in (tmp_path / "vllm.log").read_text()


def test_an_engine_that_dies_is_told_with_its_last_words(tmp_path: Path) -> None:
    folder = save(fresh(), tmp_path / "model")
    with VllmEngine(Serving(folder, folder, "float32", "cpu"), tmp_path / "vllm.log") as engine:
        worker = engine._process.pid
        psutil.Process(worker).kill()
        with pytest.raises(MobenchError, match="vLLM ended while it was asked to answer"):
            engine.answer([[5, 6]], [None], ends=[1], max_new_tokens=2)
    assert gone(worker)


def test_without_vllm_the_way_to_install_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in an environment of mobench's own requirements: nothing that is installed is found.
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(MobenchError, match=r"pip install 'mobench\[vllm\]'"):
        VllmEngine(Serving(tmp_path, tmp_path, "float32", "cpu"), tmp_path / "vllm.log")


def test_a_device_that_vllm_does_not_know_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MobenchError, match="does not run on mps"):
        VllmEngine(Serving(tmp_path, tmp_path, "float32", "mps"), tmp_path / "vllm.log")


@pytest.mark.parametrize(
    ("device", "visible", "own"),
    [
        ("cuda:1", None, "1"),
        ("cuda:1", "4,6", "6"),
        ("cuda:0", "5", "5"),  # somebody else's is GPU 0
        ("cuda:1", "GPU-12ab, GPU-34cd", "GPU-34cd"),
        ("cuda", "4,6", None),
        ("cpu", None, None),
    ],
)
def test_the_engine_sees_the_chosen_gpu_alone(
    device: str, visible: str | None, own: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert near._environment(device).get("CUDA_VISIBLE_DEVICES") == own


@pytest.mark.parametrize(
    ("device", "count", "visible", "own"),
    [
        ("cuda", 4, None, None),  # it takes the first four
        ("cuda:0,cuda:1", 4, None, "0,1,2,3"),
        ("cuda:0,cuda:1,cuda:2", 2, None, "0,1"),
        ("cuda:2,cuda:3", 2, "8,9,10,11", "10,11"),
        ("cuda:1", 2, "4,6", "6,4"),
    ],
)
def test_a_divided_engine_sees_as_many_gpus_as_it_takes_those_of_the_run_first(
    device: str, count: int, visible: str | None, own: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert near._environment(device, count).get("CUDA_VISIBLE_DEVICES") == own


def test_processes_of_a_divided_engine_on_a_cpu_are_not_bound_to_memory_of_their_own() -> None:
    """With two of them on one processor vLLM would not start."""
    assert near._environment("cpu", 2)["VLLM_CPU_OMP_THREADS_BIND"] == "nobind"
    assert "VLLM_CPU_OMP_THREADS_BIND" not in near._environment("cpu", 1)
