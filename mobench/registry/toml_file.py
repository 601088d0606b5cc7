"""A TOML file that was read, with the line of every key in it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mobench.registry.toml_lines import Location, Locator


@dataclass(frozen=True)
class TomlFile:
    """A file's content.

    Attributes:
        path: The file.
        data: Its top-level table.
        locator: Finds the line of a key.
    """

    path: Path
    data: Mapping[str, Any]
    locator: Locator

    def place(self, location: Location) -> str:
        """``file:line`` of a key, or of the innermost enclosing table that the file has."""
        return f"{self.path}:{self.locator.line(location)}"


def read_toml(path: Path, problems: list[str]) -> TomlFile | None:
    """Reads a TOML file.

    Args:
        path: The file.
        problems: Receives ``file:line: what`` if it cannot be read.

    Returns:
        The file, or None if it cannot be read.
    """
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        return TomlFile(path, tomllib.loads(text), Locator(text))
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{path}:{_syntax_error(text, str(error))}")
    except (UnicodeDecodeError, OSError) as error:
        problems.append(f"{path}:1: cannot be read: {error}")
    return None


def _syntax_error(text: str, message: str) -> str:
    """``line: what``, from a message that ends with ``(at line 3, column 7)``.

    Where the message ends with ``(at end of document)``, the line is the last one.
    """
    what, _, position = message.rpartition(" (at ")
    if position.startswith("line "):
        line = position.removeprefix("line ").split(",")[0]
    else:
        line = str(len(text.splitlines()) or 1)
    return f"{line}: {what or message}"
