"""Reads one ``organism.toml`` into organisms. Nothing is imported or run: the file is data."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError

from mobench.errors import did_you_mean
from mobench.registry.draft import Draft
from mobench.registry.organism_schema import (
    Behavior,
    EvalPrompt,
    EvalTemplates,
    FamilyTable,
    VariantTable,
)
from mobench.registry.organism_spec import OrganismSpec
from mobench.registry.prompts_file import read_prompts
from mobench.registry.schema_fields import Table
from mobench.registry.toml_lines import Location, Locator
from mobench.registry.validation_errors import complaints

Complain = Callable[[Location, str], None]

_TOP = ("family", "behavior", "eval", "variants")


def read_family(
    path: Path, problems: list[str], suites: Mapping[str, Sequence[Mapping[str, Any]]] | None = None
) -> list[Draft]:
    """Reads every variant of a family.

    Args:
        path: The family's ``organism.toml``.
        suites: Capability suites by name.
        problems: Receives ``file:line: what`` for everything that is wrong.

    Returns:
        A draft of each variant; its ``spec`` is None where anything was wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problems.append(_syntax_problem(path, error))
        return []
    except (UnicodeDecodeError, OSError) as error:
        problems.append(f"{path}:1: cannot be read: {error}")
        return []
    locator = Locator(text)
    before = len(problems)

    def complain(location: Location, what: str) -> None:
        problems.append(f"{path}:{locator.line(location)}: {what}")

    for key in data:
        if key not in _TOP:
            complain((key,), f"unknown table [{key}].{did_you_mean(key, _TOP)}")
    family = _validate(FamilyTable, data.get("family", {}), ("family",), complain)
    if isinstance(family, FamilyTable) and family.name != path.parent.name:
        what = f"family {family.name!r} must live in a folder of that name, not {path.parent.name}/"
        complain(("family", "name"), what)
    for key, model in (("behavior", Behavior), ("eval", EvalTemplates)):
        if key in data:
            _validate(model, data[key], (key,), complain)
    variants = data.get("variants", {})
    if not isinstance(variants, dict) or not variants:
        complain((), "no variants: a family needs at least one [variants.NAME]")
        return []
    family_is_sound = len(problems) == before
    drafts = []
    for name, table in variants.items():
        if not isinstance(table, dict):
            complain(("variants", name), f"variants.{name} must be a table, got {table!r}")
            continue
        merged = _with_suite(name, _with_defaults(table, data), suites or {}, complain)
        variant = _read_variant(name, merged, locator, complain)
        prompts = _read_prompts(path.parent, name, merged, complain, problems)
        _check_control(name, variant, prompts, complain)
        spec = None
        if variant and prompts and family_is_sound and isinstance(family, FamilyTable):
            spec = _resolve(path, family, name, variant, prompts)
        drafts.append(Draft(path, name, data.get("family", {}), merged, locator, spec))
    return drafts


def _syntax_problem(path: Path, error: tomllib.TOMLDecodeError) -> str:
    message = str(error)
    # tomllib ends its message with "(at line 3, column 7)" or "(at end of document)".
    what, _, where = message.rpartition(" (at ")
    line = where.removeprefix("line ").split(",")[0] if where.startswith("line ") else ""
    if not line:
        line = str(len(path.read_text(encoding="utf-8").splitlines()) or 1)
    return f"{path}:{line}: {what or message}"


def _validate(model: type[Table], table: object, at: Location, complain: Complain) -> Table | None:
    try:
        return model.model_validate(table)
    except ValidationError as error:
        for location, what in complaints(error, at):
            complain(location, what)
        return None


def _with_defaults(table: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """A variant's table, with what it leaves out of behavior and eval taken from the family."""
    merged = dict(table)
    for key in ("behavior", "eval"):
        shared, own = data.get(key, {}), table.get(key, {})
        if isinstance(shared, dict) and isinstance(own, dict) and (shared or own):
            merged[key] = {**shared, **own}
    return merged


def _with_suite(
    name: str,
    merged: dict[str, Any],
    suites: Mapping[str, Sequence[Mapping[str, Any]]],
    complain: Complain,
) -> dict[str, Any]:
    """A variant's table with its suite's tasks as its capability."""
    suite = merged.get("suite")
    if not isinstance(suite, str):
        return merged
    if "capability" in merged:
        complain(("variants", name, "suite"), "give a suite or capability tables, not both")
    elif suite not in suites:
        known = ", ".join(sorted(suites)) or "none"
        hint = did_you_mean(suite, suites)
        complain(("variants", name, "suite"), f"unknown suite {suite!r}.{hint} Known: {known}")
    return {"capability": list(suites.get(suite, [])), **merged}


def _check_control(
    name: str, variant: VariantTable | None, prompts: Sequence[EvalPrompt], complain: Complain
) -> None:
    """A control that asks the same as the attack would be none."""
    if variant is None or variant.eval.triggered != variant.eval.untriggered:
        return
    same = [prompt.id for prompt in prompts if prompt.control in (None, prompt.prompt)]
    if same:
        what = "triggered and untriggered are the same: the control would be none"
        more = f", and {len(same)} prompts have no control of their own: {', '.join(same[:5])}"
        complain(("variants", name, "eval"), f"{what}{more}")


def _read_variant(
    name: str, merged: Mapping[str, Any], locator: Locator, complain: Complain
) -> VariantTable | None:
    at: Location = ("variants", name)

    def complain_of_variant(location: Location, what: str) -> None:
        inside = location[len(at) :]
        # What came from the family is wrong there, and was already said.
        inherited = inside[:1] in (("behavior",), ("eval",)) and not locator.has(location[:3])
        complain(inside if inherited and locator.has(inside[:1]) else location, what)

    variant = _validate(VariantTable, merged, at, complain_of_variant)
    wrong = list(_contradictions(merged))
    for location, what in wrong:
        complain(at + location, f"{what} (variant {name!r})")
    return variant if isinstance(variant, VariantTable) and not wrong else None


def _contradictions(merged: Mapping[str, Any]) -> list[tuple[Location, str]]:
    """What no single table can see. Reads the raw table, which may be wrong in other ways too."""
    found: list[tuple[Location, str]] = []
    ladder, presets = merged.get("ladder"), merged.get("presets")
    base, behavior = merged.get("base"), merged.get("behavior")
    standard = ladder.get("standard_lr") if isinstance(ladder, dict) else None
    if isinstance(presets, dict):
        if "standard" not in presets:
            found.append((("presets",), "there must be a preset named 'standard'"))
        for name, preset in presets.items():
            rungs = preset.get("rungs") if isinstance(preset, dict) else None
            if standard is not None and isinstance(rungs, list) and standard not in rungs:
                what = f"rungs lack standard_lr {standard}: the usual test would not be run"
                found.append((("presets", name, "rungs"), what))
    if "implant" in merged and "adapter" in merged:
        what = "an adapter is the organism already; it cannot have an implant too"
        found.append((("adapter",), what))
    for makes in ("implant", "adapter"):
        if makes in merged and "clean_base" in merged:
            what = f"clean_base is for organisms without an {makes}; with one, it is the base"
            found.append((("clean_base",), what))
    if "implant" not in merged and "adapter" not in merged and isinstance(base, dict):
        if base.get("kind") == "scratch":
            found.append((("base",), "a base made from scratch needs an implant"))
        measured = isinstance(behavior, dict) and "clean_rate" not in behavior
        if measured and "clean_base" not in merged:
            what = "without an implant, behavior.clean_rate or clean_base is needed"
            found.append((("base",), what))
    return found


def _read_prompts(
    folder: Path, name: str, merged: Mapping[str, Any], complain: Complain, problems: list[str]
) -> tuple[EvalPrompt, ...]:
    file = merged.get("prompts")
    if not isinstance(file, str):
        return ()
    at = ("variants", name, "prompts")
    relative = PurePosixPath(file)
    if relative.is_absolute() or ".." in relative.parts:
        complain(at, f"prompts must lie in the family's folder, got {file!r}")
        return ()
    if not (folder / relative).is_file():
        hint = did_you_mean(file, [other.name for other in sorted(folder.glob("*.jsonl"))])
        complain(at, f"prompts file {file!r} does not exist.{hint}")
        return ()
    return read_prompts(folder / relative, problems)


def _resolve(
    path: Path,
    family: FamilyTable,
    name: str,
    variant: VariantTable,
    prompts: tuple[EvalPrompt, ...],
) -> OrganismSpec:
    return OrganismSpec(
        name=f"{family.name}-{name}",
        family=family.name,
        variant=name,
        title=family.title,
        summary=variant.summary or family.summary,
        source=variant.source or family.source,
        license=variant.license or family.license,
        marks=tuple(dict.fromkeys((*family.marks, *variant.marks))),
        behavior=variant.behavior,
        eval=variant.eval,
        tasks=variant.tasks,
        template=variant.template,
        prompts=prompts,
        chat_template=variant.chat_template,
        max_new_tokens=variant.max_new_tokens,
        dtype=variant.dtype,
        base=variant.base,
        clean_base=variant.clean_base,
        implant=variant.implant,
        adapter=variant.adapter,
        gate=variant.gate,
        capability=variant.capability,
        suite=variant.suite,
        counter=variant.counter,
        ladder=variant.ladder,
        presets=variant.presets,
        path=path,
        sources={},
    )
