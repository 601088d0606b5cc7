"""The options of a run: one field for each, with its flag, its default and its help.

Everything else is made of these fields: the command line that reads them
(``mobench.cli.command_line``) and the command that repeats a run. A new option is a new field here.
"""

from __future__ import annotations

import shlex
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any

METADATA = "option"
KEPT_ADAPTERS = ("all", "last", "none")
"""What may be kept of a cell's checkpoints once it is measured."""


@dataclass(frozen=True)
class Option:
    """How a field of :class:`RunOptions` is typed.

    Attributes:
        flag: Such as ``--max-steps``.
        help: One line for ``--help``.
        choices: The only values that are taken; empty where any value of the type is.
        machine: Whether the option is about the machine that runs and not about the run: it is
            repeated where a run goes on, and left out of what is published.
        show_default: Whether ``--help`` prints the default.
    """

    flag: str
    help: str
    choices: tuple[str, ...] = ()
    machine: bool = False
    show_default: bool = False


def _option(flag: str, help: str, *, default: Any = MISSING, **how: Any) -> Any:
    """Declares a field with its option; without a default the option is required."""
    return field(default=default, metadata={METADATA: Option(flag, help, **how)})


@dataclass(frozen=True)
class RunOptions:
    """What the user typed after ``mobench run``, in the order of the help page."""

    organism: str = _option(
        "--organism", "Its name, as `mobench list` shows it, or the path of its organism.toml."
    )
    task: str | None = _option(
        "--task", "The training task; the organism's first by default.", default=None
    )
    preset: str = _option("--preset", "How much is trained.", default="standard", show_default=True)
    max_steps: int | None = _option(
        "--max-steps",
        "Run rungs below a removing one for 6·N·S steps, at most this many.",
        default=None,
    )
    engine: str = _option(
        "--engine",
        "What answers: transformers, or vLLM in a process of its own.",
        default="hf",
        choices=("hf", "vllm"),
        show_default=True,
    )
    no_controls: bool = _option(
        "--no-controls", "Leave out the controls; the result says so.", default=False
    )
    allow_incompatible: bool = _option(
        "--allow-incompatible",
        "Run a task that fails the compatibility gate; the result is marked, and not ranked.",
        default=False,
    )
    judge: str | None = _option(
        "--judge",
        "Who judges where the organism needs a model: openai:URL#MODEL or local:FOLDER.",
        default=None,
    )
    device: str = _option(
        "--device",
        "auto, cpu, cuda, cuda:1, mps, or GPUs to spread a model over: cuda:0,cuda:1.",
        default="auto",
        machine=True,
        show_default=True,
    )
    shards: int | None = _option(
        "--shards",
        "GPUs that a model is spread over; by default as few as hold it.",
        default=None,
        machine=True,
    )
    tensor_parallel: int | None = _option(
        "--tensor-parallel",
        "GPUs that vLLM divides a model among; by default as few as hold it.",
        default=None,
        machine=True,
    )
    workers: int = _option(
        "--workers",
        "Processes at work on the run together: on CUDA each with GPUs of its own.",
        default=1,
        machine=True,
        show_default=True,
    )
    on: str | None = _option(
        "--on",
        "Let the workers run on a Ray cluster: its address, or `ray` for this machine's.",
        default=None,
        machine=True,
    )
    keep_adapters: str = _option(
        "--keep-adapters",
        "Checkpoints left after measuring: all, each cell's last, or none.",
        default="all",
        choices=KEPT_ADAPTERS,
        machine=True,
        show_default=True,
    )
    round_adapters: bool = _option(
        "--round-adapters",
        "Store the checkpoints that stay in bfloat16 once the run is finished.",
        default=False,
        machine=True,
    )
    copy_to: str | None = _option(
        "--copy-to",
        "Keep a second copy of the run's folder there, such as s3://bucket/runs, and begin from it "
        "where the folder is not here yet.",
        default=None,
        machine=True,
    )
    track: str | None = _option(
        "--track",
        "Hand each finished cell to a tracker, such as tensorboard:FOLDER.",
        default=None,
        machine=True,
    )
    offline: bool = _option("--offline", "Never touch the network.", default=False, machine=True)
    runs: Path = _option(
        "--runs",
        "Folder that holds run folders.",
        default=Path("runs"),
        machine=True,
        show_default=True,
    )


def option_of(item: Field[Any]) -> Option:
    """The option that a field of :class:`RunOptions` was declared with."""
    option: Option = item.metadata[METADATA]
    return option


def command_line(options: RunOptions, *, published: bool) -> str:
    """The command that asks for the same run, with every option that is not at its default.

    Args:
        options: What was asked for.
        published: Whether options about the machine are left out, so that the command can stand
            in a result.
    """
    words = ["mobench", "run"]
    for item in fields(options):
        option, value = option_of(item), getattr(options, item.name)
        if value == item.default or (published and option.machine):
            continue
        words += [option.flag] if value is True else [option.flag, shlex.quote(str(value))]
    return " ".join(words)
