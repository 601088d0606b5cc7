"""Python code as what it does: a canonical text of its syntax, and the names that it uses.

Comments, docstrings, annotations, formatting and positions are left out. The text is the same in
every version of Python that parses the code alike, which ``ast.dump`` and ``ast.unparse`` are not:
they gain and lose fields from one version to the next.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

_LEFT_OUT = {
    "annotation", "returns", "type_comment", "type_params", "type_ignores", "kind", "ctx",
    "simple", "decorator_list",
}  # fmt: skip
"""Fields that do not decide what code does; decorators are written out on their own."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = Function | ast.Lambda | ast.ClassDef
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def canonical(node: ast.AST, *, decorators: Iterable[ast.expr] | None = None) -> str:
    """A text that two pieces of code share if and only if they differ in nothing that runs.

    Args:
        node: Any part of a syntax tree.
        decorators: Those of ``node`` to count; all of its own if None.
    """
    fields = [f"{name}={_value(value)}" for name, value in _fields(node)]
    if isinstance(node, Function | ast.ClassDef):
        counted = node.decorator_list if decorators is None else list(decorators)
        fields += [f"@{canonical(one)}" for one in counted]
    return f"{type(node).__name__}({','.join(fields)})"


def free_names(node: ast.AST, *, decorators: Iterable[ast.expr] | None = None) -> set[str]:
    """The names that code takes from the module around it, or from Python's own.

    Names that a function or comprehension binds itself are its own. Names in annotations and in
    type parameters are not counted.

    Args:
        node: A definition, a statement or an expression at the top of a module.
        decorators: Those of ``node`` to count; all of its own if None.
    """
    if isinstance(node, Function | ast.ClassDef):
        counted = node.decorator_list if decorators is None else list(decorators)
        return _free_of_scope(node).union(*map(free_names, counted))
    if isinstance(node, ast.Lambda):
        return _free_of_scope(node)
    if isinstance(node, _COMPREHENSIONS):
        bound = {name for one in node.generators for name in _stored([one.target])}
        return set().union(*map(free_names, _children(node))) - bound
    if isinstance(node, ast.Name):
        return {node.id}
    return set().union(*map(free_names, _children(node)))


def bound_names(statement: ast.stmt) -> set[str]:
    """The names that a statement at the top of a module binds, imports left out."""
    if isinstance(statement, Function | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return set()
    return set(_stored([statement]))


def _free_of_scope(node: Scope) -> set[str]:
    """Names that a function, lambda or class takes from outside, decorators not counted."""
    if isinstance(node, ast.ClassDef):
        outside = [*node.bases, *(keyword.value for keyword in node.keywords)]
        inside: list[ast.AST] = list(node.body)
        bound = set(_stored(node.body))
    else:
        arguments = node.args
        outside = [*arguments.defaults, *(one for one in arguments.kw_defaults if one is not None)]
        inside = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
        bound = {one.arg for one in every} | set(_stored(inside))
        bound -= {
            name
            for part in inside
            for one in ast.walk(part)
            if isinstance(one, ast.Global)
            for name in one.names
        }
    free: set[str] = set().union(*map(free_names, inside)) - bound
    return free.union(*map(free_names, outside))


def _stored(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Names bound in these nodes, without those that inner functions bind for themselves."""
    for node in nodes:
        if isinstance(node, Function | ast.ClassDef):
            yield node.name
            continue
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, _COMPREHENSIONS):
            # Only `:=` reaches out of a comprehension.
            yield from _stored(one for one in ast.walk(node) if isinstance(one, ast.NamedExpr))
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            yield node.id
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name
        elif isinstance(node, ast.MatchMapping) and node.rest:
            yield node.rest
        yield from _stored(ast.iter_child_nodes(node))


def _fields(node: ast.AST) -> Iterator[tuple[str, object]]:
    """The fields that count, without empty ones and without a docstring."""
    for name, value in ast.iter_fields(node):
        if name in _LEFT_OUT or value is None or value == []:
            continue
        if name == "body" and isinstance(value, list) and _has_docstring(node, value):
            # A body that was only its docstring does nothing, as one of `pass` does.
            value = value[1:] or [ast.Pass()]
        if isinstance(node, ast.JoinedStr) and isinstance(value, list):
            # Python 3.12 ends some f-strings with an empty text.
            value = [one for one in value if getattr(one, "value", None) != ""]
        yield name, value


def _children(node: ast.AST) -> Iterator[ast.AST]:
    for _, value in _fields(node):
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, ast.AST):
                yield one


def _has_docstring(node: ast.AST, body: list[object]) -> bool:
    if not isinstance(node, Function | ast.ClassDef | ast.Module) or not body:
        return False
    first = body[0]
    return (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )


def _value(value: object) -> str:
    if isinstance(value, ast.AST):
        return canonical(value)
    if isinstance(value, list):
        return f"[{','.join(map(_value, value))}]"
    return repr(value)
