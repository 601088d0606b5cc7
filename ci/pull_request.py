"""Tells a pull request that brings code from one that brings data; run from the main branch.

    git diff --name-only -z BASE HEAD > changed && python3 -m ci.pull_request changed
    python -m ci.pull_request --record leaderboard/record.jsonl THEIRS/leaderboard/record.jsonl

The first prints what is changed, for a summary in Markdown, and ends with 1 where a person has to
read code: Python under ``organisms/`` or ``tasks/`` runs on everybody's machine at ``mobench
list``; or where it announces a plan and brings results at once. It needs nothing but Python. The
second ends with 1 unless one record is the other with lines added.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

CODE, DATA, RESULT, PAGE, OTHER = "code", "organism data", "result", "generated page", "other"
PLAN = "announced plan"
_RUNS = (".py", ".pyc", ".pyi", ".pth", ".so", ".ipynb", ".sh", ".yaml", ".yml", ".toml", ".cfg")
"""Endings of what runs, or says what is run; of an organism's own file see below."""


def kind_of(name: str) -> str:
    """What kind of file a path is.

    Args:
        name: The path from the repository's root, with slashes.
    """
    path = PurePosixPath(name)
    top = path.parts[0] if path.parts else ""
    if top in ("organisms", "tasks"):
        # Questions of a capability task are YAML, which can name Python functions.
        plain = path.name == "organism.toml" or path.suffix in (".jsonl", ".txt", ".md", ".csv")
        plain = plain or (path.suffix == ".toml" and path.parent.name == "rubrics")
        return DATA if plain or name == "organisms/shared.toml" else CODE
    if top == "leaderboard":
        if path.parts[1:2] in (("results",), ("record.jsonl",)):
            return RESULT
        if path.parts[1:2] == ("plans",):
            return PLAN
        return PAGE if path.suffix in (".md", ".svg", ".json", ".parquet") else OTHER
    if path.suffix in _RUNS or top in (".github", ".ci", "mobench", "ci", "benchmarks", "tests"):
        return CODE
    return OTHER


def by_kind(names: Iterable[str]) -> dict[str, list[str]]:
    """Sorts paths by their kind."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        found.setdefault(kind_of(name), []).append(name)
    return found


def summary(found: Mapping[str, list[str]]) -> str:
    """What a pull request changes, in Markdown; a path is quoted so that it can be nothing else."""
    code = found.get(CODE, [])
    lines = [f"**{'Needs a reader: it brings code' if code else 'Data only'}**", ""]
    if announces_too_late(found):
        lines += [
            "**It announces a plan and brings results: a plan goes alone, before its run.**",
            "",
        ]
    for kind, names in found.items():
        lines.append(f"- {kind}: {len(names)}")
        shown = names if kind == CODE else names[:10]
        lines += [f"  - `{_quoted(name)}`" for name in shown[:50]]
    return "\n".join(lines)


def announces_too_late(found: Mapping[str, list[str]]) -> bool:
    """Whether plans come together with results, which nobody has then announced."""
    return PLAN in found and RESULT in found


def _quoted(name: str) -> str:
    return "".join(one if one.isprintable() and one != "`" else "?" for one in name)[:200]


def _main(arguments: list[str]) -> int:
    if len(arguments) == 3 and arguments[0] == "--record":
        from mobench.publish.submission.record import appended_problem

        ours, theirs = (Path(one) for one in arguments[1:])
        before, after = (one.read_bytes() if one.is_file() else b"" for one in (ours, theirs))
        problem = appended_problem(before, after)
        if problem:
            print(problem)
        return 1 if problem else 0
    if len(arguments) != 1:
        print(__doc__)
        return 2
    text = Path(arguments[0]).read_bytes().decode("utf-8", "replace")
    found = by_kind(name for name in text.split("\0") if name)
    print(summary(found))
    return 1 if CODE in found or announces_too_late(found) else 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
