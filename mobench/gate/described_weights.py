"""Fetches the small files in which a hub model's size, precision and chat template stand.

Those decide what an organism's file leaves out, and what a run will cost, before any weight is
downloaded.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mobench.assemble.hub.parts import Part
from mobench.assemble.hub.snapshot import fetch, is_offline, look_up
from mobench.registry import OrganismSpec, Registry, collect_for
from mobench.registry.model_facts import DESCRIPTION_FILES, read_facts
from mobench.registry.organism_spec import HubAdapter, HubBase


def collect_described(organism: str, *, offline: bool) -> Registry:
    """Collects what a run needs, with everything that the organism's weights tell.

    Args:
        organism: Name or file of the organism.
        offline: Whether the network must not be used.

    Raises:
        MobenchError: Something is wrong in a file, or the hub does not give what is asked for.
    """
    registry = collect_for(organism)
    spec = registry.organism(organism)
    base = spec.base
    unknown = isinstance(base, HubBase) and base.size is None
    unknown = unknown and read_facts(base.model_dump(), None, spec.path.parent) is None
    if is_offline(offline) or not isinstance(base, HubBase) or not (unknown or spec.pending):
        return registry
    for repo, revision, folder in _repositories(spec, base):
        _fetch_description(repo, revision, folder)
    return collect_for(organism)


def _repositories(spec: OrganismSpec, base: HubBase) -> list[tuple[str, str, str]]:
    """Repository, revision and folder of what describes an organism."""
    found = [(base.repo, base.revision, "")]
    if base.tokenizer is not None:
        found.append((base.tokenizer.repo, base.tokenizer.revision, ""))
    if isinstance(spec.adapter, HubAdapter):
        found.append((spec.adapter.repo, spec.adapter.revision, spec.adapter.folder or ""))
    return found


def _fetch_description(repo: str, revision: str, folder: str) -> None:
    """Fetches what a repository has of these files; an adapter's may have none of them."""
    part = Part("description", DESCRIPTION_FILES, lambda _repo, _files: None, lambda _: [], folder)
    listed = part.inside(look_up(repo, revision, part).files)

    def missing(at: Path) -> list[str]:
        return [f"{name} is missing" for name in listed if not (at / name).is_file()]

    fetch(repo, revision, replace(part, check=missing))
