"""Imports the Python files under ``tasks/`` by path, and collects what they register."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from mobench.errors import MobenchError
from mobench.registry.decorators import Collecting, collecting_into, definition_of
from mobench.registry.definitions import BehaviorDef


def import_files(folder: Path, target: Collecting) -> None:
    """Imports every Python file below a folder.

    A file may take names from one beside it: ``from .toy import split``. Left out are names that
    start with ``_``, and ``capability/``, whose code belongs to lm-eval.

    Args:
        folder: A folder of task files.
        target: Receives what they register, and ``file:line: what`` for each failed import.
    """
    package = _package(folder)
    for path in sorted(folder.rglob("*.py")):
        inside = path.relative_to(folder).parts
        if inside[0] != "capability" and not any(part.startswith(("_", ".")) for part in inside):
            _import_file(path, ".".join((package, *inside[:-1], path.stem)), target)


def builtin_behaviors() -> list[BehaviorDef]:
    """The behaviors that ship inside the package."""
    from mobench.registry import behaviors

    found = (definition_of(value) for value in vars(behaviors).values())
    return [definition for definition in found if isinstance(definition, BehaviorDef)]


def _package(folder: Path) -> str:
    """Makes a folder a package for its files to find each other in, and forgets an older one.

    Two folders are two packages, so that two files of one name do not meet in ``sys.modules``.
    """
    name = f"mobench_collected_{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
    for old in [known for known in sys.modules if known.partition(".")[0] == name]:
        del sys.modules[old]
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package
    importlib.invalidate_caches()  # files written since the last collection
    return name


def _import_file(path: Path, name: str, target: Collecting) -> None:
    if name in sys.modules:  # a file before it took something from it
        return
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        target.problems.append(f"{path}:1: cannot be imported")
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with collecting_into(target):
            spec.loader.exec_module(module)
    except SyntaxError as error:
        del sys.modules[name]
        where = error.filename or path
        target.problems.append(f"{where}:{error.lineno or 1}: syntax error: {error.msg}")
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        what = error.fact if isinstance(error, MobenchError) else str(error)
        line = _line_in(path, error)
        target.problems.append(f"{path}:{line}: cannot be imported: {type(error).__name__}: {what}")


def _line_in(path: Path, error: BaseException) -> int:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return next((line for line in reversed(lines) if line), 1)
