"""Command-line options made from the fields of the run's options."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

import click

from mobench.run_options import RunOptions, option_of

F = TypeVar("F", bound=Callable[..., Any])


def run_options(*names: str) -> Callable[[F], F]:
    """Adds the options of a run to a command, which receives them by the names of their fields.

    Args:
        names: Fields of :class:`RunOptions`; all of them if none is named.
    """
    chosen = [item for item in fields(RunOptions) if not names or item.name in names]

    def add(command: F) -> F:
        # Decorators are applied from the last to the first; help lists them in the other order.
        for item in reversed(chosen):
            command = _click_option(item)(command)
        return command

    return add


def leaderboard_option(help: str = "The leaderboard's folder.") -> Callable[[F], F]:
    """The option ``--root``, which a command receives as ``root``.

    Args:
        help: One line for ``--help``.
    """
    folder = click.Path(file_okay=False, path_type=Path)
    return click.option(
        "--root", type=folder, default=Path("leaderboard"), show_default=True, help=help
    )


def _click_option(item: Field[Any]) -> Callable[[F], F]:
    option = option_of(item)
    kind = _type_of(item.name)
    settings: dict[str, Any] = {"help": option.help}
    if item.default is MISSING:
        settings["required"] = True
    else:
        settings |= {"default": item.default, "show_default": option.show_default}
    if kind is bool:
        settings["is_flag"] = True
    elif option.choices:
        settings["type"] = click.Choice(list(option.choices))
    elif kind is Path:
        settings["type"] = click.Path(file_okay=False, path_type=Path)
    else:
        settings["type"] = kind
    return click.option(option.flag, item.name, **settings)


def _type_of(name: str) -> type:
    """The type of a field's values, None left out."""
    hint = get_type_hints(RunOptions)[name]
    if isinstance(hint, types.UnionType):
        hint = next(kind for kind in get_args(hint) if kind is not types.NoneType)
    assert isinstance(hint, type)
    return hint
