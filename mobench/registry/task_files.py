"""Imports files of tasks and behaviors by path, and collects what they register.

Files under ``tasks/`` are what families share; a family's own lie beside its ``organism.toml``. A
file takes names from one beside it (``from .toy import split``), and one of a family's from the
shared ones too (``from tasks.toy import split``).
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from mobench.errors import MobenchError
from mobench.registry.decorators import (
    Collecting,
    FailedImport,
    collecting_into,
    definition_of,
)
from mobench.registry.definitions import BehaviorDef
from mobench.registry.version import SHARED

_PREFIX = "mobench_collected_"
"""What the packages of collected folders begin with."""


def import_files(folder: Path, target: Collecting, *, below: bool = True) -> None:
    """Imports every Python file of a folder.

    Left out are names that start with ``_``, and ``capability/``, whose code belongs to lm-eval.

    Args:
        folder: A folder of shared task files, or of a family.
        target: Receives what they register, and each import that failed.
        below: Whether those in folders further down are imported too.
    """
    files = sorted(folder.rglob("*.py") if below else folder.glob("*.py"))
    # Making a package looks through all modules: too slow for each of many families without files.
    if not files and folder != target.shared:
        return
    package = _package(folder)
    with _shared_importable(target.shared):
        for path in files:
            parts = path.relative_to(folder).parts
            if parts[0] != "capability" and not any(one.startswith(("_", ".")) for one in parts):
                _import_file(path, ".".join((package, *parts[:-1], path.stem)), target)


def builtin_behaviors() -> list[BehaviorDef]:
    """The behaviors that ship inside the package."""
    from mobench.registry import behaviors

    found = (definition_of(value) for value in vars(behaviors).values())
    return [definition for definition in found if isinstance(definition, BehaviorDef)]


def _package(folder: Path) -> str:
    """Makes a folder a package for its files to find each other in, and forgets an older one.

    Two folders are two packages, so that two files of one name do not meet in ``sys.modules``.
    """
    name = _package_name(folder)
    for old in [known for known in sys.modules if known.partition(".")[0] == name]:
        del sys.modules[old]
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package
    importlib.invalidate_caches()  # files written since the last collection
    return name


def _package_name(folder: Path) -> str:
    return f"{_PREFIX}{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"


class _SharedFinder(MetaPathFinder):
    """Finds ``tasks`` and ``tasks.NAME`` among the collected files of a folder.

    Whoever imports them gets the names of the modules that were collected, so that no file is run
    twice and no task registered twice.

    Args:
        package: The package of the collected folder.
    """

    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> ModuleSpec | None:
        """The spec of a shared file under its short name."""
        del path, target
        head, _, rest = fullname.partition(".")
        if head != SHARED:
            return None
        name = f"{self._package}.{rest}" if rest else self._package
        if name not in sys.modules and importlib.util.find_spec(name) is None:
            return None
        return ModuleSpec(fullname, _SharedLoader(name), is_package=not rest)


class _SharedLoader(Loader):
    """Gives a module the names of a collected one."""

    def __init__(self, name: str) -> None:
        self._name = name

    def exec_module(self, module: ModuleType) -> None:
        """Copies the names; the collected file is imported first if it was not yet."""
        collected = importlib.import_module(self._name)
        names = {key: value for key, value in vars(collected).items() if key[:2] != "__"}
        vars(module).update(names)


@contextmanager
def _shared_importable(shared: Path | None) -> Iterator[None]:
    """Lets files import ``tasks.NAME`` from a folder while the block runs, and nobody after it."""
    if shared is None:
        yield
        return

    def take_out() -> dict[str, ModuleType]:
        names = [name for name in sys.modules if name.partition(".")[0] == SHARED]
        return {name: sys.modules.pop(name) for name in names}

    before = take_out()
    finder = _SharedFinder(_package_name(shared))
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        take_out()
        sys.modules.update(before)


def _import_file(path: Path, name: str, target: Collecting) -> None:
    if name in sys.modules:  # a file before it took something from it
        return
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        problem = f"{path}:1: cannot be imported"
        target.failed.append(FailedImport(path, problem, path))
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with collecting_into(target):
            spec.loader.exec_module(module)
    except SyntaxError as error:
        del sys.modules[name]
        where = Path(error.filename or path)
        problem = f"{where}:{error.lineno or 1}: syntax error: {error.msg}"
        target.failed.append(FailedImport(path, problem, where))
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        what = error.fact if isinstance(error, MobenchError) else str(error)
        problem = (
            f"{path}:{_line_in(path, error)}: cannot be imported: {type(error).__name__}: {what}"
        )
        target.failed.append(FailedImport(path, problem, _origin(path, error)))


def _origin(path: Path, error: BaseException) -> Path:
    """The collected file that is nearest to the error: this one, or one that it imports."""
    packages = [module for name, module in sys.modules.items() if _is_collected_folder(name)]
    folders = [Path(folder) for package in packages for folder in package.__path__]
    frames = traceback.extract_tb(error.__traceback__)
    files = [Path(frame.filename) for frame in frames]
    return next((f for f in reversed(files) if any(map(f.is_relative_to, folders))), path)


def _is_collected_folder(module: str) -> bool:
    return module.startswith(_PREFIX) and "." not in module


def _line_in(path: Path, error: BaseException) -> int:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return next((line for line in reversed(lines) if line), 1)
