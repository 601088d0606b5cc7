"""The manifest of a run: what was asked, of what, with what, and which cells count."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, StrictBool, StrictInt

from mobench.records.cells import CellRecord
from mobench.records.gate import CompatibilityRecord, GateRecord
from mobench.records.manifest_parts import (
    CapabilityPart,
    ExtensionPart,
    GitPart,
    HardwarePart,
    InterfacePart,
    JudgePart,
    LadderPart,
    OrganismPart,
    Part,
    PlanPart,
    ReversalPart,
    TaskPart,
)
from mobench.records.names import RUN_SCHEMA


class Manifest(Part):
    """``manifest.json``.

    Attributes:
        max_steps: Low rungs could be extended up to this many steps; None where they were not to.
        command: The command that asks for the same, without what is of one machine.
        created: When the run was begun, ISO 8601.
        base: Kind, weights hash and commit of the base; the same of its adapter and clean base.
        interface: How the organism is asked; results from before this was recorded lack it.
        controls: The cells that stand beside the ladder.
        plan: The sequential plan and what it has asked for; results from before there was one lack
            it.
        reversal: What undoes the task; None where the run was not to undo it.
        max_steps_set_later: Whether ``max_steps`` was changed after a cell had finished.
        extensions: The longer runs of low rungs; None where they were not wanted or not known yet.
        cells: The cells that the run is scored from.
        seconds: Time spent building, training and measuring.
    """

    schema_: Literal["mobench.run/1"] = Field(default=RUN_SCHEMA, alias="schema")
    organism: OrganismPart
    task: TaskPart
    preset: str | None = None
    ladder: LadderPart
    max_steps: StrictInt | None = None
    command: str | None = None
    created: str | None = None
    versions: dict[str, str | None] | None = None
    git: GitPart | None = None
    hardware: HardwarePart | None = None
    backend: str | None = None
    base: dict[str, Any] | None = None
    interface: InterfacePart | None = None
    gate: GateRecord | None = None
    compatibility: CompatibilityRecord | None = None
    capability: list[CapabilityPart] | None = None
    judge: JudgePart | None = None
    controls: list[CellRecord] | None = None
    plan: PlanPart | None = None
    reversal: ReversalPart | None = None
    max_steps_set_later: StrictBool | None = None
    extensions: list[ExtensionPart] | None = None
    cells: list[CellRecord] | None = None
    seconds: dict[str, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """The manifest as it is written: what was given, in the order of the fields."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    @property
    def ladder_cells(self) -> list[CellRecord]:
        """The ladder's own cells; none in a manifest that lists none."""
        return self.cells or []

    @property
    def control_cells(self) -> list[CellRecord]:
        """The controls; none in results from before there were any."""
        return self.controls or []

    @property
    def local_parts(self) -> list[str]:
        """What of the organism's weights lies in a folder of whoever ran it: base, adapter.

        Others cannot get those. Empty for weights of the hub, of a package, or built by a recipe.
        """
        base = self.base or {}
        parts = {"base": base, "adapter": base.get("adapter"), "clean base": base.get("clean")}
        return [
            name
            for name, part in parts.items()
            if isinstance(part, dict) and part.get("kind") == "local"
        ]

    @property
    def longer_cells(self) -> list[str]:
        """Ids of the cells that do not count yet: of extended rungs, and of doubled budgets."""
        pending = [] if self.plan is None else self.plan.pending
        return [*pending, *(cell for part in self.extensions or () for cell in part.cells)]

    @property
    def incompatible_because(self) -> list[str]:
        """Why the task is not compatible, as the gate said; empty where it did not."""
        return [] if self.compatibility is None else self.compatibility.reasons

    @property
    def compatible(self) -> bool | None:
        """Whether the task passed the compatibility gate; None where a manifest does not say."""
        if self.task.compatible is False:
            return False
        return None if self.compatibility is None else self.compatibility.compatible
