"""Versions of the code and data that an organism is built from and measured with.

They are part of its revision: an edited implant or an edited capability question makes another
organism, never a silent mix under the old name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from mobench.records.short_hash import hash_of
from mobench.registry.definitions import BUILTIN, BehaviorDef, TaskDef
from mobench.registry.organism_spec import OrganismSpec
from mobench.registry.rubrics import Rubric
from mobench.registry.version import code_of
from mobench.registry.weights_schema import ScratchBase

_TASK_NAME = re.compile(r"^task:\s*[\"']?([\w.-]+)", re.MULTILINE)
_COMMENT = re.compile(r"^\s*#.*\n?", re.MULTILINE)
_FUNCTION = re.compile(r"!function\s+(\w+)\.\w+")
_DATA_FILE = re.compile(r"[\w./-]+\.(?:jsonl|json|csv|txt|py|yaml|yml)\b")


def capability_versions(folders: Sequence[Path]) -> dict[str, str]:
    """Versions of the lm-eval YAML files under ``capability/``, by the name of their task.

    Args:
        folders: The folders of tasks.
    """
    files: dict[str, Path] = {}
    for folder in folders:
        for path in sorted((folder / "capability").rglob("*.y*ml")):
            name = _TASK_NAME.search(path.read_text(encoding="utf-8"))
            if name:
                files.setdefault(name[1], path)
    return {task: _version(path) for task, path in files.items()}


def sources_of(
    spec: OrganismSpec,
    tasks: Mapping[str, TaskDef],
    behaviors: Mapping[str, BehaviorDef],
    capability: Mapping[str, str],
    rubrics: Mapping[str, Rubric] = MappingProxyType({}),
) -> dict[str, str]:
    """Versions by what they are a version of.

    Args:
        spec: The organism.
        tasks: All tasks, by name.
        behaviors: All behaviors, by name.
        capability: What ``capability_versions`` found.
        rubrics: All rubrics, by name.

    Returns:
        ``corpus``, ``implant``, ``harden``, ``behavior``, ``rubric`` and ``capability/<task>``,
        each only where it is defined by files of this registry. A standard lm-eval task goes by
        lm-eval's version.
    """
    versions = {}
    if isinstance(spec.base, ScratchBase):
        versions["corpus"] = tasks[spec.base.corpus].version
    if spec.implant is not None:
        versions["implant"] = tasks[spec.implant.task].version
        if spec.implant.harden is not None:
            versions["harden"] = tasks[spec.implant.harden.task].version
    if behaviors[spec.behavior.use].version != BUILTIN:
        versions["behavior"] = behaviors[spec.behavior.use].version
    if behaviors[spec.behavior.use].needs_score:
        versions["rubric"] = rubrics[spec.behavior.args["rubric"]].version
    for one in spec.capability:
        if one.task in capability:
            versions[f"capability/{one.task}"] = capability[one.task]
    return versions


def _version(path: Path) -> str:
    text = _COMMENT.sub("", path.read_text(encoding="utf-8"))
    parts = [text.encode()]
    modules = {f"{module}.py" for module in _FUNCTION.findall(text)}
    for name in sorted({*_DATA_FILE.findall(text), *modules}):
        # Paths in an lm-eval YAML may start at the YAML or at a folder above it.
        places = (folder / name for folder in (path.parent, *path.parent.parents))
        file = next((place for place in places if place.is_file()), None)
        if file is not None:
            code = file.suffix == ".py"
            parts.append(f"{name}:".encode() + (code_of(file) if code else file.read_bytes()))
    return hash_of(b"".join(parts))
