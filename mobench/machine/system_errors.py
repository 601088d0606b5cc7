"""Errors of the system that libraries tell in words of their own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CODE = re.compile(r"\(os error (\d+)\)")


@contextmanager
def as_system_errors(path: Path) -> Iterator[None]:
    """Raises what the system refused as an ``OSError``, whoever told it in words only.

    safetensors and tokenizers are written in Rust, and have exceptions of their own for a full
    disk.

    Args:
        path: What is written, for the message.

    Raises:
        OSError: With the system's number, and the path where the error has none.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    except Exception as error:
        code = _CODE.search(str(error))
        if code is None:
            raise
        number = int(code[1])
        raise OSError(number, os.strerror(number), str(path)) from error
