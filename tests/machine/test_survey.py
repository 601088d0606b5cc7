"""What a machine has, without torch: what the driver reports and the environment leaves visible."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from mobench.machine.survey import survey, visible_gpus

LINES = """\
0, GPU-aaa, NVIDIA H100 80GB HBM3, 81559, 81000
1, GPU-bbb, NVIDIA H200, 143771, 143000
2, GPU-ccc, Tesla, [N/A], [N/A]
"""


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An `nvidia-smi` on the path that reports two GPUs and a third without memory."""
    (tmp_path / "lines").write_text(LINES)
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\ncat {tmp_path / 'lines'}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.usefixtures("driver")
@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        (None, ["NVIDIA H100 80GB HBM3", "NVIDIA H200"]),
        ("1", ["NVIDIA H200"]),
        ("GPU-bbb,0", ["NVIDIA H200", "NVIDIA H100 80GB HBM3"]),
        ("0,7,1", ["NVIDIA H100 80GB HBM3"]),
        ("", []),
        ("-1", []),
    ],
)
def test_the_gpus_are_those_that_cuda_would_see(
    chosen: str | None, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if chosen is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert [gpu.name for gpu in visible_gpus()] == names


@pytest.mark.usefixtures("driver")
def test_a_torch_without_cuda_has_no_gpu_whatever_the_driver_says() -> None:
    found = survey()
    if metadata.version("torch").endswith("+cpu"):
        assert (found.device, found.gpu) == ("cpu", None)
    else:
        assert (found.device, found.gpu) == ("cuda", "NVIDIA H100 80GB HBM3")
        assert found.model_memory_gb == pytest.approx(81000 / 1024)


def test_without_a_driver_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_gpus() == []
    assert survey().device in ("cpu", "mps")
