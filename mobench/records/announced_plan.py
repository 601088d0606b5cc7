"""A plan that was announced before its run, so that nobody can pick the best of many runs."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, StrictInt, TypeAdapter, with_config
from typing_extensions import TypedDict

from mobench.records.manifest_parts import Name, StrictNumber

ANNOUNCED_SCHEMA = "mobench.announced-plan/1"
Stated = Annotated[str, Field(max_length=200)]


@with_config(ConfigDict(extra="forbid"))
class AnnouncedPlan(TypedDict):
    """``plans/<organism>/<task>/<id>.json``: one run that is going to be made.

    Attributes:
        schema: Name and version of this form.
        announced: When, in UTC: ``2026-11-28T12:00:00+00:00``.
        organism: Its name.
        organism_revision: Hash of its definition.
        task: Its name.
        task_version: Hash of its code and data.
        preset: How much is trained.
        rungs: Learning rates of the ladder.
        standard_lr: The one that an ordinary user would take.
        steps: The ordinary budget.
        plan: Hash of the sequential plan, as a manifest has it.
        command: What asks for the run.
    """

    schema: Stated
    announced: Stated
    organism: Name
    organism_revision: Stated
    task: Name
    task_version: Stated
    preset: Stated
    rungs: list[StrictNumber]
    standard_lr: StrictNumber
    steps: StrictInt
    plan: Stated
    command: Annotated[str, Field(max_length=2000)]


ANNOUNCED: TypeAdapter[AnnouncedPlan] = TypeAdapter(AnnouncedPlan)
