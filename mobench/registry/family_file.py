"""Reads one ``organism.toml`` into organisms. Nothing is imported or run: the file is data."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError

from mobench.errors import Consequence, did_you_mean
from mobench.registry.capability_suites import Suites, shipped_suites
from mobench.registry.draft import Draft
from mobench.registry.eval_schema import EvalPrompt, EvalTemplates
from mobench.registry.inheritance import Variant, inherit
from mobench.registry.organism_schema import Behavior, FamilyTable, VariantTable
from mobench.registry.organism_spec import OrganismSpec
from mobench.registry.prompts_file import read_prompts
from mobench.registry.schema_fields import Table
from mobench.registry.shared_tables import SharedTables, Source
from mobench.registry.toml_file import read_toml
from mobench.registry.toml_lines import Location
from mobench.registry.validation_errors import schema_errors
from mobench.registry.weights_defaults import EVERYDAY, EVERYDAY_FILE, fill_in_defaults

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_TOP = ("family", "behavior", "eval", "variants")


def read_family(
    path: Path,
    suites: Suites,
    shared: SharedTables,
    problems: list[str],
    *,
    in_registry: bool = True,
) -> list[Draft]:
    """Reads every variant of a family.

    Args:
        path: The family's ``organism.toml``.
        suites: Capability suites.
        shared: What families share.
        problems: Receives ``file:line: what`` for everything that is wrong.
        in_registry: Whether it lies in a folder of families, where each is called by its name.

    Returns:
        A draft of each variant; its ``spec`` is None where anything was wrong. A variant that is
        like one that does not exist has none: what it would be is not known.
    """
    file = read_toml(path, problems)
    if file is None:
        return []
    data, locator = file.data, file.locator
    already = len(problems)

    def report(location: Location, what: str) -> None:
        problems.append(f"{file.place(location)}: {what}")

    def below(*top: str) -> Callable[[Location], str]:
        return lambda location: file.place((*top, *location))

    # The tables that all variants have in common.

    for key in data:
        if key not in _TOP:
            report((key,), f"unknown table [{key}].{did_you_mean(key, _TOP)}")
    family = _validate(FamilyTable, data.get("family", {}), below("family"), problems)
    name = family.name if isinstance(family, FamilyTable) else path.parent.name
    if in_registry and name != path.parent.name:
        what = f"family {name!r} must live in a folder of that name, not {path.parent.name}/"
        report(("family", "name"), what)
    for key, model in (("behavior", Behavior), ("eval", EvalTemplates)):
        if key in data:
            _validate(model, data[key], below(key), problems)
    variants = data.get("variants", {})
    if not isinstance(variants, dict) or not variants:
        report((), "no variants: a family needs at least one [variants.NAME]")
        return []
    family_is_sound = len(problems) == already
    # The variants, each with everything that it inherits.
    sources = {
        name: Source(path, locator, ("variants", name), table)
        for name, table in variants.items()
        if isinstance(table, dict)
    }
    for name in variants.keys() - sources.keys():
        report(("variants", name), f"variants.{name} must be a table, got {variants[name]!r}")
    for name in [name for name in sources if not _NAME.fullmatch(name)]:
        what = "may hold a-z, 0-9 and . _ - only, a letter or digit first"
        report(("variants", name), f"variant {name!r}: its name {what}")
        del sources[name]
    defaults = {key: data[key] for key in ("behavior", "eval") if isinstance(data.get(key), dict)}
    common = Source(path, locator, (), defaults)
    drafts = []
    for name, source in sources.items():
        whole = inherit(source, common, sources, shared)
        problems += whole.problems
        if whole.is_like_unknown:
            continue
        fill_in_defaults(whole, path.parent)
        _fill_in_suite(whole, suites, problems)
        variant = _validate_variant(whole, name, problems)
        prompts = _read_prompts(path.parent, whole, problems)
        _check_control(whole, variant, prompts, problems)
        spec = None
        sound = family_is_sound and not whole.problems
        if variant and prompts and sound and isinstance(family, FamilyTable):
            spec = _organism(path, family, whole, variant, prompts)
        drafts.append(Draft(path, name, data.get("family", {}), whole, locator, spec))
    return drafts


def _validate(
    model: type[Table],
    table: object,
    place: Callable[[Location], str],
    problems: list[str],
    unknown: Collection[str] = (),
) -> Table | None:
    """Holds a table to its schema.

    Args:
        model: The schema.
        table: The table.
        place: Gives ``file:line`` of a key in the table.
        problems: Receives what is wrong.
        unknown: Keys whose value is not known, which is reported already.
    """
    try:
        return model.model_validate(table)
    except ValidationError as error:
        problems += [
            f"{place(one.location)}: {one.what}"
            for one in schema_errors(error)
            if one.location[:1] not in [(key,) for key in unknown]
        ]
        return None


def _fill_in_suite(whole: Variant, suites: Suites, problems: list[str]) -> None:
    """Makes a suite's tasks the variant's capability."""
    suite = whole.table.get("suite")
    if not isinstance(suite, str):
        return
    if "suite" in whole.defaults and suite not in {*suites.tasks, *suites.broken}:
        suites = shipped_suites()
        whole.borrowed.add("suite")
    place = whole.place(("suite",))
    if "capability" in whole.table:
        problems.append(f"{place}: give a suite or capability tables, not both")
        return
    if suite not in suites.tasks:
        known = ", ".join(sorted(suites.tasks)) or "none"
        hint = did_you_mean(suite, suites.tasks)
        problem = f"{place}: unknown suite {suite!r}.{hint} Known: {known}"
        if suite in suites.broken:
            what = f"{whole.own.at[-1]} needs suite {suite!r}, which could not be collected"
            problem = Consequence(f"{place}: {what}", suites.broken[suite])
        problems.append(problem)
        whole.unknown.add("capability")
    whole.table["capability"] = list(suites.tasks.get(suite, []))


def _check_control(
    whole: Variant,
    variant: VariantTable | None,
    prompts: Sequence[EvalPrompt],
    problems: list[str],
) -> None:
    """A control that asks the same as the attack would be none."""
    if variant is None or variant.eval.triggered != variant.eval.untriggered:
        return
    same = [prompt.id for prompt in prompts if prompt.control in (None, prompt.prompt)]
    if same:
        what = "triggered and untriggered are the same: the control would be none"
        more = f", and {len(same)} prompts have no control of their own: {', '.join(same[:5])}"
        problems.append(f"{whole.place(('eval',))}: {what}{more}")


def _validate_variant(whole: Variant, name: str, problems: list[str]) -> VariantTable | None:
    variant = _validate(VariantTable, whole.table, whole.place, problems, whole.unknown)
    wrong = _contradictions(whole.table, whole.defaults)
    problems += [f"{whole.place(at)}: {what} (variant {name!r})" for at, what in wrong]
    return variant if isinstance(variant, VariantTable) and not wrong else None


def _contradictions(
    merged: Mapping[str, Any], defaults: Mapping[str, str]
) -> list[tuple[Location, str]]:
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
                if why := defaults.get("ladder.standard_lr"):
                    what += f" (it is {why}; add it, or give ladder.standard_lr)"
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


def _read_prompts(folder: Path, whole: Variant, problems: list[str]) -> tuple[EvalPrompt, ...]:
    file = whole.table.get("prompts")
    if not isinstance(file, str):
        return ()
    place = whole.place(("prompts",))
    relative = PurePosixPath(file)
    if file == EVERYDAY and not (folder / file).is_file():
        return read_prompts(EVERYDAY_FILE, problems)
    if relative.is_absolute() or ".." in relative.parts:
        problems.append(f"{place}: prompts must lie in the family's folder, got {file!r}")
        return ()
    if not (folder / relative).is_file():
        hint = did_you_mean(file, [other.name for other in sorted(folder.glob("*.jsonl"))])
        problems.append(f"{place}: prompts file {file!r} does not exist.{hint}")
        return ()
    return read_prompts(folder / relative, problems)


def _organism(
    path: Path,
    family: FamilyTable,
    whole: Variant,
    variant: VariantTable,
    prompts: tuple[EvalPrompt, ...],
) -> OrganismSpec:
    name = str(whole.own.at[-1])
    return OrganismSpec(
        name=f"{family.name}-{name}",
        family=family.name,
        variant=name,
        title=family.title or family.name,
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
        date=variant.date,
        decoding=variant.decoding,
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
        defaults=whole.defaults,
        pending=tuple(whole.pending),
    )
