"""Where an organism's weights are, and whether others can get them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from mobench.registry.model_facts import read_facts
from mobench.registry.organism_spec import (
    Base,
    HubAdapter,
    HubBase,
    OrganismSpec,
    ScratchBase,
    WheelBase,
)

_COMMIT = re.compile(r"[0-9a-f]{40}")


def whose_weights(spec: OrganismSpec) -> str:
    """Whether others can get the organism's weights, in words.

    Weights of the hub at a pinned commit are those that anybody gets. A branch may move; a run
    resolves and records its commit. What lies in a folder nobody else has.
    """
    local = [name.replace("_", " ") for name in spec.local_parts]
    if local:
        return not_public(local)
    parts = [part for part in (spec.base, spec.adapter, spec.clean_base) if part is not None]
    hub = [part for part in parts if isinstance(part, HubBase | HubAdapter)]
    moving = [f"{p.repo} at {p.revision}" for p in hub if not _COMMIT.fullmatch(p.revision)]
    if moving:
        return f"public, not pinned to a commit: {', '.join(moving)}"
    if hub:
        return "public, pinned to a commit of the hub"
    if isinstance(spec.base, WheelBase):
        return "public: a package, and what is trained into it here"
    return "built here from its recipe" if isinstance(spec.base, ScratchBase) else ""


def base_name(base: Base) -> str | None:
    """What a base is called among people; None for a folder, whose name tells others nothing."""
    if isinstance(base, HubBase):
        return base.repo
    if isinstance(base, WheelBase):
        return PurePosixPath(base.file).stem
    return f"from scratch on {base.corpus}" if isinstance(base, ScratchBase) else None


def not_public(parts: Sequence[str]) -> str:
    """What a page says of weights that lie in a folder of whoever ran the organism.

    Args:
        parts: Such as ``["base", "adapter"]``.
    """
    listed = " and ".join(parts)
    return f"not public: its {listed} {'lies' if len(parts) == 1 else 'lie'} in a local folder"


def architecture(spec: OrganismSpec) -> str:
    """What the weights' own configuration calls the model; empty where it is not here."""
    if not isinstance(spec.base, HubBase) and "base" not in spec.local_parts:
        return ""
    facts = read_facts(spec.base.model_dump(), None, spec.path.parent)
    return "" if facts is None else facts.architecture
