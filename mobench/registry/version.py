"""The version of a task or behavior: a hash of the code that it runs and of the data that it reads.

A version is that of one function: its own code, and the functions, classes and constants that it
uses, wherever they are defined among the collected files. A comment, a docstring, a neighbor in the
same file, or a move to another file changes no version.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from mobench.records.short_hash import PartsHash
from mobench.registry.syntax import bound_names, canonical, free_names

PACKAGE = "mobench"
SHARED = "tasks"
"""The name by which a family's own file imports what families share."""


@dataclass(frozen=True)
class _Module:
    """A file's definitions by name.

    Attributes:
        path: The file.
        bindings: For each name the statements that bind it, in order.
        imports: For each imported name where it is from: (levels up, module, name in it); the name
            is None where the module itself was imported.
        shared: The folder of tasks that families share.
    """

    path: Path
    bindings: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, tuple[int, str, str | None]] = field(default_factory=dict)
    shared: Path | None = None


def version_of(
    functions: Sequence[Callable[..., Any]], data: Sequence[Path], *, shared: Path | None = None
) -> str:
    """First 12 hex digits of the SHA-256 over code and data.

    Args:
        functions: What is registered: a task's function, or a behavior's and its ``settled``.
        data: The files that it reads.
        shared: The folder that ``from tasks.… import`` refers to, where there is one.
    """
    parts: dict[str, None] = {}
    for function in functions:
        for part in _closure(function, shared):
            parts.setdefault(part)
    total = PartsHash()
    for part in sorted(parts):
        total.add("code", part.encode())
    for file in data:
        if file.is_file():
            total.add(file.name, file.read_bytes())
    return total.digest()


def code_of(path: Path) -> bytes:
    """A whole file's code without comments, docstrings and annotations."""
    return canonical(ast.parse(path.read_bytes())).encode()


def _closure(function: Callable[..., Any], shared: Path | None) -> Iterator[str]:
    """The canonical code of a function and of everything that it uses."""
    code = function.__code__
    module = _read(Path(code.co_filename), shared)
    definition = _definition(module, code.co_name, code.co_firstlineno)
    if definition is None:
        # Made by other code than a `def`: all of the file may decide what it does.
        yield canonical(ast.parse(module.path.read_bytes()))
        return
    kept = [one for one in _decorators(definition) if not _registers(one, module)]
    yield canonical(definition, decorators=kept)
    queue = [(module, name) for name in sorted(free_names(definition, decorators=kept))]
    queue += _through_modules(definition, module)
    seen: set[tuple[Path, str]] = {(module.path, code.co_name)}
    while queue:
        where, name = queue.pop()
        if (where.path, name) in seen:
            continue
        seen.add((where.path, name))
        if name in where.imports:
            found = _imported(where, name)
            if isinstance(found, str):
                yield found
            elif found is not None:
                queue.append(found)
            continue
        for statement in where.bindings.get(name, ()):
            kept = [one for one in _decorators(statement) if not _registers(one, where)]
            yield f"{name}: {canonical(statement, decorators=kept)}"
            queue += [(where, used) for used in free_names(statement, decorators=kept)]
            queue += _through_modules(statement, where)


def _imported(module: _Module, name: str) -> tuple[_Module, str] | str | None:
    """Where an imported name is defined among the collected files; else what it is called."""
    level, source, original = module.imports[name]
    file = _file_of(module, level, source)
    if file is not None and original is not None:
        return _read(file, module.shared), original
    if original is not None and _file_of(module, level, _joined(source, original)) is not None:
        return None  # a module: what is taken from it was looked up at its attributes
    if source.partition(".")[0] == PACKAGE and not level:
        # mobench's own tests pin what its names do; where they lie may change.
        return f"{name} = {PACKAGE}:{original}"
    return f"{name} = {source}:{original}"


def _through_modules(node: ast.AST, module: _Module) -> list[tuple[_Module, str]]:
    """What is used as an attribute of an imported file: ``chat.requests``."""
    found = []
    for one in ast.walk(node):
        if not isinstance(one, ast.Attribute) or not isinstance(one.value, ast.Name):
            continue
        level, source, original = module.imports.get(one.value.id, (0, "", None))
        inside = source if original is None else _joined(source, original)
        file = _file_of(module, level, inside) if one.value.id in module.imports else None
        if file is not None:
            found.append((_read(file, module.shared), one.attr))
    return found


def _joined(source: str, name: str) -> str:
    return f"{source}.{name}" if source else name


def _file_of(module: _Module, level: int, source: str) -> Path | None:
    """The collected file of an import; None where it is of the standard library or a package."""
    inside = Path(*source.split(".")) if source else Path()
    if level:
        folder = module.path.parents[level - 1]
    elif module.shared is not None and source.partition(".")[0] == SHARED:
        folder, inside = module.shared, inside.relative_to(SHARED)
    else:
        return None
    if not inside.name:
        return None
    files = (folder / inside.with_suffix(".py"), folder / inside / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def _decorators(node: ast.AST) -> list[ast.expr]:
    return list(getattr(node, "decorator_list", ()))


def _registers(decorator: ast.expr, module: _Module) -> bool:
    """Whether a decorator is ``@task(…)`` or ``@behavior(…)``, whose arguments only describe."""
    call = decorator.func if isinstance(decorator, ast.Call) else decorator
    if isinstance(call, ast.Attribute) and isinstance(call.value, ast.Name):
        return call.value.id == PACKAGE
    if not isinstance(call, ast.Name):
        return False
    _, source, _ = module.imports.get(call.id, (0, "", None))
    return source.partition(".")[0] == PACKAGE


def _definition(module: _Module, name: str, line: int) -> ast.AST | None:
    """The ``def`` of a function, which may stand within another one."""
    for statements in module.bindings.values():
        for statement in statements:
            for node in ast.walk(statement):
                if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    continue
                first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
                if node.name == name and first <= line <= node.lineno:
                    return node
    return None


def _read(path: Path, shared: Path | None) -> _Module:
    return _parse(path, path.stat().st_mtime_ns, shared)


@lru_cache(maxsize=1024)
def _parse(path: Path, _changed: int, shared: Path | None) -> _Module:
    """A file's definitions; read again only where it was written since."""
    module = _Module(path, shared=shared)
    for statement in _statements(ast.parse(path.read_bytes()).body):
        if isinstance(statement, ast.ImportFrom):
            for one in statement.names:
                source = (statement.level, statement.module or "", one.name)
                module.imports[one.asname or one.name] = source
        elif isinstance(statement, ast.Import):
            for one in statement.names:
                name = one.asname or one.name.partition(".")[0]
                module.imports[name] = (0, one.name if one.asname else name, None)
        else:
            for name in bound_names(statement):
                module.bindings.setdefault(name, []).append(statement)
    return module


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements at the top of a module; imports within ``if`` and ``try`` among them."""
    for statement in body:
        if isinstance(statement, ast.If | ast.Try):
            inner = [*statement.body, *statement.orelse]
            if isinstance(statement, ast.Try):
                inner += [line for handler in statement.handlers for line in handler.body]
                inner += statement.finalbody
            yield from (one for one in inner if isinstance(one, ast.Import | ast.ImportFrom))
        yield statement
