"""Imports the Python files under ``tasks/`` by path, and collects what they register."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from pathlib import Path

from mobench.errors import MobenchError
from mobench.registry.api import BehaviorDef, Collecting, collecting_into, definition_of


def import_files(folder: Path, target: Collecting) -> None:
    """Imports every Python file below a folder.

    Left out are names that start with ``_``, and ``capability/``, whose code belongs to lm-eval.

    Args:
        folder: A folder of task files.
        target: Receives what they register, and ``file:line: what`` for each failed import.
    """
    for path in sorted(folder.rglob("*.py")):
        inside = path.relative_to(folder).parts
        if inside[0] != "capability" and not any(part.startswith(("_", ".")) for part in inside):
            _import_file(path, target)


def builtin_behaviors() -> list[BehaviorDef]:
    """The behaviors that ship inside the package."""
    from mobench.measure import behaviors

    found = (definition_of(value) for value in vars(behaviors).values())
    return [definition for definition in found if isinstance(definition, BehaviorDef)]


def _import_file(path: Path, target: Collecting) -> None:
    # Two files of one name must not meet in sys.modules.
    name = f"mobench_collected_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}_{path.stem}"
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
