"""What a result says of the machine, the code and the command, against itself.

None of this can be recomputed. But what is made up by hand tends to contradict itself: an adapter
trained on an H100 whose backend ran on a CPU, eight billion weights in four gigabytes.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import fields

from mobench.records.cells import FinishedCell
from mobench.records.manifest import Manifest
from mobench.run_options import RunOptions, command_line, option_of

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_BACKEND = re.compile(
    r"(?:hf|vllm-\S+)/transformers-([^/\s]+)/torch-([^/\s]+)/(cpu|cuda|mps)/(float32|bfloat16)"
)
FASTEST = 4e15
"""Floating-point operations a second: twice what an H100's tensor cores promise without sparsity
and in eight bits (1.98e15), so above any one device that a result can be from."""


def machine_problems(manifest: Manifest, cells: Sequence[FinishedCell]) -> list[str]:
    """What contradicts itself.

    Args:
        manifest: The run's manifest.
        cells: Its cells.
    """
    return [
        *_backend_problems(manifest, cells),
        *_memory_problems(manifest),
        *_speed_problems(manifest, cells),
        *_command_problems(manifest),
    ]


def unknown_code(manifest: Manifest) -> list[str]:
    """Why nobody can tell which code a result was made with; empty if it names its commit."""
    git = manifest.git
    if git is None or git.commit is None:
        return ["it names no commit of mobench"]
    if not _COMMIT.fullmatch(git.commit):
        return [f"its commit {git.commit!r} is none"]
    return ["its code was changed since its commit"] if git.dirty else []


def _backend_problems(manifest: Manifest, cells: Sequence[FinishedCell]) -> list[str]:
    backend = manifest.backend
    if backend is None:
        return []
    found = [
        f"cell {cell['id']!r}: backend {cell.get('backend')!r} is not the manifest's"
        for cell in cells
        if cell.get("backend") != backend
    ]
    parts = _BACKEND.fullmatch(backend)
    if parts is None:
        return [*found, f"backend {backend!r} is none that mobench has"]
    versions = manifest.versions or {}
    for name, version in (("transformers", parts[1]), ("torch", parts[2])):
        if name in versions and versions[name] != version:
            found.append(f"backend has {name} {version}, and its versions {versions[name]}")
    machine = manifest.hardware
    if machine is None:
        return found
    device = None if machine.device is None else machine.device.partition(":")[0]
    if device is not None and device != parts[3]:
        found.append(f"backend ran on {parts[3]}, and its hardware is {device}")
    if parts[3] == "cpu" and device == "cpu" and machine.gpu is not None:
        found.append(f"it ran on a CPU, and names the GPU {machine.gpu!r}")
    if parts[3] == "cuda" and machine.gpu is None:
        found.append("it ran on CUDA, and names no GPU")
    if "+cpu" in parts[2] and parts[3] == "cuda":
        found.append(f"torch {parts[2]} has no CUDA")
    return found


def _memory_problems(manifest: Manifest) -> list[str]:
    """Weights have to lie somewhere."""
    machine, params = manifest.hardware, manifest.organism.params
    if machine is None or params is None:
        return []
    for name, size in (("memory", machine.memory_gb), ("GPU memory", machine.gpu_memory_gb)):
        if size is not None and size <= 0:
            return [f"{size:g} GB of {name}"]
    if machine.cores is not None and machine.cores < 1:
        return [f"{machine.cores} cores"]
    on_gpu = machine.gpu_memory_gb if (machine.device or "").startswith("cuda") else None
    room = machine.memory_gb if on_gpu is None else on_gpu
    width = 2 if (manifest.backend or "").endswith("/bfloat16") else 4
    need = params * width / 1e9
    if room is not None and need > 1.1 * room:
        return [f"{params} weights take {need:.0f} GB, and the machine has {room:g} GB"]
    return []


def _speed_problems(manifest: Manifest, cells: Sequence[FinishedCell]) -> list[str]:
    """A step computes at least two operations for each weight and token, forward and back again.

    Kaplan et al. 2020, arXiv 2001.08361: 6·N·D for a whole step; frozen weights save a third.
    """
    params = manifest.organism.params
    if params is None:
        return []
    for cell in cells:
        tokens, seconds = cell.get("train_tokens"), cell.get("train_seconds")
        if tokens and seconds is not None and 4 * params * tokens > FASTEST * max(seconds, 1e-9):
            return [
                f"cell {cell['id']!r}: {tokens} tokens through {params} weights in {seconds:g} "
                "seconds is faster than any device"
            ]
    return []


def _command_problems(manifest: Manifest) -> list[str]:
    """A reader is told to run the command: it must be one of mobench's, and nothing besides."""
    command = manifest.command
    if command is None:
        return []
    try:
        options = _options(shlex.split(command))
    except ValueError:
        return [f"command {command!r} is no `mobench run` as results print it"]
    if options is None or command_line(options, published=True) != command:
        return [f"command {command!r} is no `mobench run` as results print it"]
    found = []
    if options.organism != manifest.organism.name:
        found.append(f"command {command!r} runs another organism")
    if manifest.preset is not None and options.preset != manifest.preset:
        found.append(f"command {command!r} runs another preset than {manifest.preset!r}")
    if options.task not in (None, manifest.task.name):
        found.append(f"command {command!r} runs another task")
    if options.max_steps != manifest.max_steps:
        found.append(f"command {command!r} has other max_steps than {manifest.max_steps}")
    return found


def _options(words: Sequence[str]) -> RunOptions | None:
    """The options of a published command; None where it is none."""
    if list(words[:2]) != ["mobench", "run"]:
        return None
    named = {option_of(item).flag: item for item in fields(RunOptions)}
    given: dict[str, object] = {}
    rest = iter(words[2:])
    for word in rest:
        item = named.get(word)
        if item is None:
            return None
        if isinstance(item.default, bool):
            given[item.name] = True
            continue
        value = next(rest, None)
        if value is None:
            return None
        given[item.name] = int(value) if item.name == "max_steps" else value
    return RunOptions(**given) if "organism" in given else None  # type: ignore[arg-type]
