"""Silences the progress bars and log messages of the libraries that mobench calls."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_NOISY = ("lm_eval", "transformers", "datasets", "huggingface_hub")


@contextmanager
def quiet() -> Iterator[None]:
    """Draws no tqdm bars inside the context, and logs only errors of some libraries.

    mobench shows a progress line of its own, which other bars and log messages would break up. Some
    bars cannot be switched off by the caller (dequantizing of GGUF files, building of contexts in
    lm-eval), so tqdm's class itself is changed.
    """
    from tqdm.std import tqdm

    original = tqdm.__init__

    def disabled(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **{**kwargs, "disable": True})

    loggers = [logging.getLogger(name) for name in _NOISY]
    levels = [logger.level for logger in loggers]
    tqdm.__init__ = disabled  # type: ignore[method-assign]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        tqdm.__init__ = original  # type: ignore[method-assign]
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
