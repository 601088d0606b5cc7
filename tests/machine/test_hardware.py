"""The device, the memory and the cores a run may use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import torch

from mobench.errors import MobenchError
from mobench.machine.control_groups import cores, memory
from mobench.machine.hardware import GIB, Hardware, detect, matmul_flops, pick_device


def test_auto_takes_the_best_device_that_is_here() -> None:
    best = "cuda" if torch.cuda.is_available() else "cpu"
    if torch.backends.mps.is_available():
        best = "mps"
    assert pick_device(None) == pick_device("auto") == best
    assert pick_device("cpu") == "cpu"


def test_a_device_that_is_not_here_is_an_error_with_a_remedy() -> None:
    absent = "mps" if not torch.backends.mps.is_available() else "cuda"
    with pytest.raises(MobenchError, match=f"'{absent}' is not here") as caught:
        pick_device(absent)
    assert "cpu" in caught.value.remedy
    with pytest.raises(MobenchError, match="is not here"):
        pick_device("cuda:99")


@pytest.mark.parametrize("name", ["cud", "cpu:1", "gpu", "cuda:x", "auto:0"])
def test_an_unknown_device_is_told_apart_from_an_absent_one(name: str) -> None:
    with pytest.raises(MobenchError, match="Unknown device"):
        pick_device(name)


@pytest.mark.parametrize("names", ["cpu,cuda:0", "cuda,cuda:1", "cuda:0,cuda:0", "cuda:0,"])
def test_a_model_is_spread_over_gpus_each_of_which_is_named_once(names: str) -> None:
    with pytest.raises(MobenchError, match="spread over GPUs"):
        pick_device(names)


def test_a_misspelt_device_gets_a_suggestion() -> None:
    with pytest.raises(MobenchError, match="Did you mean 'cuda'"):
        pick_device("cudda")


def test_detect_describes_this_machine() -> None:
    here = detect("cpu")
    assert here.device == "cpu"
    assert here.cpu
    assert 1 <= here.cores <= (psutil.cpu_count() or 1)
    assert 0 < here.memory_available_gb <= here.memory_gb
    assert here.memory_gb <= psutil.virtual_memory().total / GIB
    assert here.gpu is None
    assert here.model_memory_gb == here.memory_available_gb


def test_on_a_gpu_the_model_needs_the_gpus_memory() -> None:
    here = Hardware("cuda", "some cpu", 8, 64.0, 60.0, "some gpu", 24.0, 20.0)
    assert here.model_memory_gb == 20.0


def test_on_several_gpus_it_has_the_memory_of_all() -> None:
    here = Hardware("cuda:0,cuda:1", "some cpu", 8, 64.0, 60.0, "some gpu", 24.0, 20.0, gpus=2)
    assert here.model_memory_gb == 40.0


def group(root: Path, lines: str, folder: str, **files: str) -> Path:
    (root / "proc/self").mkdir(parents=True, exist_ok=True)
    (root / "proc/self/cgroup").write_text(lines)
    place = root / "sys/fs/cgroup" / folder
    place.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (place / name.replace("__", ".")).write_text(text)
    return root


def test_a_memory_limit_below_the_physical_memory_counts(tmp_path: Path) -> None:
    """Version 2; the file cache in the group is memory one can still have."""
    root = group(
        tmp_path,
        "0::/a/b\n",
        "a/b",
        memory__max=f"{GIB // 4}\n",
        memory__current=f"{GIB // 8}\n",
        memory__stat=f"anon 1\ninactive_file {GIB // 16}\n",
    )
    assert memory(root) == (GIB // 4, GIB // 4 - (GIB // 8 - GIB // 16))


def test_a_parent_groups_limit_binds_too(tmp_path: Path) -> None:
    group(tmp_path, "0::/a/b\n", "a/b", memory__max="max\n", memory__current="0\n")
    group(tmp_path, "0::/a/b\n", "a", memory__max=f"{GIB // 4}\n", memory__current="0\n")
    assert memory(tmp_path) == (GIB // 4, GIB // 4)


def test_version_1_groups_are_read(tmp_path: Path) -> None:
    """Its "unlimited" is a huge number, here on the root; a container does not see its own name."""
    group(
        tmp_path,
        "4:memory:/outside/name\n1:cpu,cpuacct:/\n0::/\n",
        "memory",
        memory__limit_in_bytes=f"{GIB // 4}\n",
        memory__usage_in_bytes=f"{GIB // 8}\n",
    )
    group(
        tmp_path,
        "4:memory:/outside/name\n1:cpu,cpuacct:/\n0::/\n",
        "cpu,cpuacct",
        cpu__cfs_quota_us="100000\n",
        cpu__cfs_period_us="100000\n",
    )
    assert memory(tmp_path) == (GIB // 4, GIB // 8)
    assert cores(tmp_path) == 1


def test_no_limit_leaves_the_physical_memory(tmp_path: Path) -> None:
    root = group(tmp_path, "0::/\n", "", memory__max="9223372036854771712\n", cpu__max="max 1\n")
    assert memory(root)[0] == psutil.virtual_memory().total
    assert cores(root) >= 1


def test_a_cpu_quota_counts_and_leaves_at_least_one_core(tmp_path: Path) -> None:
    assert cores(group(tmp_path, "0::/\n", "", cpu__max="50000 100000\n")) == 1


def test_speed_is_measured_at_the_shape_asked_for() -> None:
    """Two by two by two pays mostly for the call: it cannot come near a real product's speed."""
    small = matmul_flops("cpu", "float32", seconds=0.02, shape=(2, 2, 2))
    large = matmul_flops("cpu", "float32", seconds=0.02, shape=(256, 256, 256))
    assert 0 < small < large / 10


def test_importing_hardware_does_not_import_torch() -> None:
    code = "import sys, mobench.machine.hardware; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
