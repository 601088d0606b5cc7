"""Where organisms and tasks are looked for: a working tree, or the copies in the wheel.

A working tree is configured by ``mobench.toml`` or by ``[tool.mobench]`` in ``pyproject.toml``::

    organisms = ["organisms"]
    tasks = ["tasks"]
    [marks]
    tiny = "built from scratch in seconds"
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mobench.errors import MobenchError, Problems, did_you_mean

CONFIG_FILES = ("mobench.toml", "pyproject.toml")
_KEYS = ("organisms", "tasks", "marks")


@dataclass(frozen=True)
class Config:
    """What to collect.

    Attributes:
        root: The folder that all relative paths start from.
        organisms: Folders that hold one folder for each family.
        tasks: Folders of Python files, each with an optional ``capability/`` of lm-eval tasks.
        marks: Declared marks and what they mean.
        file: The file this was read from, None where defaults were taken.
        organism_file: The only organism's file to collect, which lies in none of the folders; None
            to collect all that lie there.
    """

    root: Path
    organisms: tuple[Path, ...]
    tasks: tuple[Path, ...]
    marks: dict[str, str] = field(default_factory=dict)
    file: Path | None = None
    organism_file: Path | None = None

    @property
    def family_files(self) -> list[Path]:
        """The organism files to collect, one for each family."""
        if self.organism_file is not None:
            return [self.organism_file]
        return [path for folder in self.organisms for path in families_in(folder)]


def families_in(folder: Path) -> list[Path]:
    """The organism files below a folder, one for each family."""
    return sorted(folder.glob("*/organism.toml"))


def find_config(root: Path | None = None) -> Config:
    """Finds the configuration.

    Args:
        root: The folder to use. None takes the nearest folder from the current one upward that is
            configured, else the current one if it has ``organisms/``, else what was installed.

    Raises:
        Problems: The configuration is malformed.
        MobenchError: There is nothing to collect.
    """
    if root is not None:
        root = root.resolve()
        return _read(root) or _defaults(root)
    current = Path.cwd()
    for folder in (current, *current.parents):
        config = _read(folder)
        if config is not None:
            return config
    if (current / "organisms").is_dir():
        return _defaults(current)
    shipped = shipped_config()
    if shipped is not None:
        return shipped
    raise MobenchError(
        f"found no organisms: neither {current} nor a folder above it is configured, "
        "and this installation ships none",
        "run from a folder that holds organisms/, or reinstall mobench",
    )


def shipped_config() -> Config | None:
    """The organisms and tasks that mobench itself brings; None if this installation has none."""
    package = Path(__file__).resolve().parent.parent
    # An installed wheel carries its copies; an editable installation has them beside the package.
    for folder in (package / "_shipped", package.parent):
        if (folder / "organisms").is_dir():
            return _read(folder) or _defaults(folder)
    return None


def configured(folder: Path) -> Config | None:
    """What a folder says is to be collected; None where it holds no registry.

    Raises:
        Problems: The configuration is malformed.
    """
    return _read(folder) or (_defaults(folder) if (folder / "organisms").is_dir() else None)


def _defaults(root: Path) -> Config:
    return Config(root=root, organisms=(root / "organisms",), tasks=(root / "tasks",))


def _read(folder: Path) -> Config | None:
    for name in CONFIG_FILES:
        file = folder / name
        if not file.is_file():
            continue
        table = _parse(file)
        if name == "pyproject.toml":
            table = table.get("tool", {}).get("mobench")
            if table is None:
                continue
        return _check(table, file)
    return None


def _parse(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Problems([f"{file}: {error}"]) from error


def _check(table: dict[str, Any], file: Path) -> Config:
    problems = [
        f"{file}: unknown key {key!r} for mobench.{did_you_mean(key, _KEYS)}"
        for key in table
        if key not in _KEYS
    ]
    for key in ("organisms", "tasks"):
        folders = table.get(key, [key])
        if not isinstance(folders, list) or not all(isinstance(f, str) for f in folders):
            problems.append(f"{file}: {key} must be a list of folders, got {folders!r}")
    marks = table.get("marks", {})
    if not isinstance(marks, dict) or not all(isinstance(doc, str) for doc in marks.values()):
        problems.append(f'{file}: marks must be a table of name = "what it means", got {marks!r}')
    if problems:
        raise Problems(problems)
    root = file.parent
    return Config(
        root=root,
        organisms=tuple(root / folder for folder in table.get("organisms", ["organisms"])),
        tasks=tuple(root / folder for folder in table.get("tasks", ["tasks"])),
        marks=dict(marks),
        file=file,
    )
