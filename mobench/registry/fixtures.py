"""Calls a function with what its parameters ask for by name, as pytest fills in fixtures."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from mobench.errors import MobenchError, did_you_mean

T = TypeVar("T")


def fill(fn: Callable[..., T], available: Mapping[str, Callable[[], Any]]) -> T:
    """Calls ``fn``, building only what it asks for.

    Args:
        fn: A task, or any function whose parameters are names of fixtures.
        available: For each fixture, how to build it; called at most once, and only when asked for.

    Returns:
        What ``fn`` returned.

    Raises:
        MobenchError: A parameter without a default is not available.
    """
    values = {}
    for parameter in inspect.signature(fn).parameters.values():
        if parameter.name in available:
            values[parameter.name] = available[parameter.name]()
        elif parameter.default is inspect.Parameter.empty:
            hint = did_you_mean(parameter.name, available)
            raise MobenchError(
                f"{fn.__name__} asks for {parameter.name!r}, which is not available here.{hint}",
                f"available: {', '.join(sorted(available)) or 'nothing'}",
            )
    return fn(**values)
