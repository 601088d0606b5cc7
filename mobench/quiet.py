"""Silences the progress bars and log lines of the libraries that mobench calls."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_NOISY = ("lm_eval", "transformers", "datasets", "huggingface_hub")


@contextmanager
def quiet() -> Iterator[None]:
    """Within it, no tqdm bar is drawn and only errors of the libraries below are logged.

    mobench shows one progress display of its own; a second one from within a library, or a line
    that cuts through it, tells the reader nothing. Some bars have no switch at their caller
    (GGUF dequantising, lm-eval's building of contexts), hence the class and not each library.
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
