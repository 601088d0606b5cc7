"""The parts of a hub repository that are fetched: a model, a LoRA adapter, or only a tokenizer.

A part names the files that belong to it, never a pickle and never a Python file, and checks that
what was fetched is complete.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any

from mobench.assemble.architecture import refuse_unsupported
from mobench.assemble.folder_check import (
    INDEX,
    PICKLES,
    WEIGHTS,
    check_folder,
    check_model,
    check_tensors,
    check_tokenizer,
)
from mobench.registry.organism_spec import OrganismSpec
from mobench.registry.weights_schema import HubAdapter, HubBase

TOKENIZER = (
    *("tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt"),
    "chat_template.jinja",
)
"""Files that make a tokenizer, with its chat template."""
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
_MODEL = ("*.safetensors", INDEX, "config.json", "generation_config.json")
_CHOOSE = "Choose a repository that has safetensors."


@dataclass(frozen=True)
class Refusal:
    """Why a repository's files cannot be used, and what to do about it."""

    fact: str
    remedy: str = _CHOOSE


@dataclass(frozen=True)
class Part:
    """What is taken out of a repository.

    Attributes:
        name: What it is called in an error.
        patterns: Names of the files that belong to it, as ``fnmatch`` reads them.
        refuse: Takes the repository's name and its files; returns why it cannot be used, or None.
        check: Takes a folder; returns what is missing or damaged in it.
        folder: The folder of the repository that all names are relative to; empty for the top.
        refuse_folder: Raises where the configuration in a folder is of a model that cannot be used.
            Asked before anything large is downloaded; None where there is nothing to ask.
    """

    name: str
    patterns: tuple[str, ...]
    refuse: Callable[[str, Mapping[str, int]], Refusal | None]
    check: Callable[[Path], list[str]]
    folder: str = ""
    refuse_folder: Callable[[Path], None] | None = None

    @property
    def allowed(self) -> list[str]:
        """The patterns, from the repository's top."""
        return [f"{self.folder}/{name}" if self.folder else name for name in self.patterns]

    @property
    def ignored(self) -> list[str]:
        """Patterns of what must not be fetched: folders further down hold training states."""
        return [f"{self.folder}/*/*" if self.folder else "*/*"]

    def takes(self, name: str) -> bool:
        """Returns whether a file of the repository belongs to the part."""
        return any(fnmatch(name, p) for p in self.allowed) and not any(
            fnmatch(name, p) for p in self.ignored
        )

    def refusing(self, more: Callable[[Path], None]) -> Part:
        """This part, with one more reason for which its configuration can be refused."""

        def refuse(folder: Path) -> None:
            if self.refuse_folder is not None:
                self.refuse_folder(folder)
            more(folder)

        return replace(self, refuse_folder=refuse)

    def inside(self, files: Mapping[str, int]) -> dict[str, int]:
        """The files of the part's folder, by their names inside it."""
        start = f"{self.folder}/" if self.folder else ""
        return {
            name.removeprefix(start): size for name, size in files.items() if name.startswith(start)
        }


def _no_model(repo: str, files: Mapping[str, int]) -> Refusal | None:
    if WEIGHTS in files or INDEX in files:
        return None
    if ADAPTER_CONFIG in files:
        return Refusal(
            f"{repo} holds a LoRA adapter, not a model's weights.",
            "Name it in an `adapter` table, and in `base` the model that it was trained on.",
        )
    if any(name.endswith(PICKLES) for name in files):
        return Refusal(
            f"{repo} has its weights as pickle only, which can run code when it is loaded."
        )
    return Refusal(f"{repo} has no {WEIGHTS} or {INDEX}.")


def _no_adapter(folder: str, repo: str, files: Mapping[str, int]) -> Refusal | None:
    place = f"{repo}/{folder}" if folder else repo
    if ADAPTER_CONFIG in files and ADAPTER_WEIGHTS in files:
        return None
    if WEIGHTS in files or INDEX in files:
        return Refusal(
            f"{place} holds a whole model's weights, not a LoRA adapter.",
            "Name it in `base`, without an `adapter` table: it is merged already.",
        )
    if any(Path(name).name.startswith("adapter") and name.endswith(PICKLES) for name in files):
        return Refusal(
            f"{place} has its adapter as pickle only, which can run code when it is loaded."
        )
    return Refusal(f"{place} has no {ADAPTER_CONFIG} with {ADAPTER_WEIGHTS}.")


def _no_tokenizer(repo: str, files: Mapping[str, int]) -> Refusal | None:
    if any(name in files for name in ("tokenizer.json", "tokenizer.model", "vocab.json")):
        return None
    return Refusal(f"{repo} has no tokenizer.", "Choose a repository that has one.")


MOST_RANK = 8192
"""Of LoRA: the width of the largest models, beyond which it is no low rank. PEFT makes room for
whatever rank a configuration names before it looks at the weights."""


def _rank_problems(config: Mapping[str, Any]) -> list[str]:
    pattern = config.get("rank_pattern")
    ranks = [config.get("r", 1), *(pattern.values() if isinstance(pattern, dict) else ())]
    return [
        f"{ADAPTER_CONFIG} names the rank {str(rank)[:20]}, and ranks are from 1 to {MOST_RANK}"
        for rank in ranks[:1000]
        if not isinstance(rank, int) or not 1 <= rank <= MOST_RANK
    ][:1]


def check_adapter(folder: Path) -> list[str]:
    """Returns what is missing or damaged in an adapter's folder."""
    problems = []
    try:
        config = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
        if not isinstance(config, dict):
            raise ValueError
        problems += _rank_problems(config)
    except OSError:
        problems.append(f"{ADAPTER_CONFIG} is missing")
    except (ValueError, RecursionError):
        problems.append(f"{ADAPTER_CONFIG} cannot be read")
    return [*problems, *check_tensors(folder / ADAPTER_WEIGHTS)]


MODEL = Part(
    "base", (*_MODEL, *TOKENIZER), _no_model, check_folder, refuse_folder=refuse_unsupported
)
"""A model with its tokenizer."""
BARE_MODEL = Part(
    "base", (*_MODEL, *TOKENIZER), _no_model, check_model, refuse_folder=refuse_unsupported
)
"""A model whose repository need not have a tokenizer."""
TOKENIZER_ALONE = Part("tokenizer", ("config.json", *TOKENIZER), _no_tokenizer, check_tokenizer)
"""The tokenizer of a repository whose weights are not fetched. The model's configuration belongs to
it because some tokenizers can only be identified by that."""


def adapter_part(folder: str | None) -> Part:
    """A LoRA adapter in PEFT's format, with its tokenizer if it has one."""
    subfolder = folder or ""
    return Part(
        "adapter",
        (ADAPTER_CONFIG, ADAPTER_WEIGHTS, *TOKENIZER),
        partial(_no_adapter, subfolder),
        check_adapter,
        subfolder,
    )


@dataclass(frozen=True)
class HubSource:
    """A part of an organism that comes from the hub.

    Attributes:
        name: What it is to the organism: weights, tokenizer, adapter or clean base.
        repo: The repository, such as ``org/name``.
        revision: A branch, a tag or a commit.
        part: What is taken out of the repository.
        size: How large it is, as text for people; may be empty.
    """

    name: str
    repo: str
    revision: str
    part: Part
    size: str = ""


def base_sources(base: HubBase, name: str = "weights") -> list[HubSource]:
    """Returns what a base needs from the hub: weights, and a tokenizer if it names another's."""
    size = f"{base.size.params / 1e9:.1f}B parameters" if base.size else ""
    part = MODEL if base.tokenizer is None else BARE_MODEL
    sources = [HubSource(name, base.repo, base.revision, part, size)]
    if base.tokenizer is not None:
        sources.append(
            HubSource("tokenizer", base.tokenizer.repo, base.tokenizer.revision, TOKENIZER_ALONE)
        )
    return sources


def hub_sources(spec: OrganismSpec) -> list[HubSource]:
    """Returns what an organism needs from the hub; empty if it is built from other things."""
    sources: list[HubSource] = []
    if isinstance(spec.base, HubBase):
        sources += base_sources(spec.base)
    if isinstance(spec.adapter, HubAdapter):
        adapter = spec.adapter
        part = adapter_part(adapter.folder)
        sources.append(HubSource("adapter", adapter.repo, adapter.revision, part))
    if isinstance(spec.clean_base, HubBase):
        sources += base_sources(spec.clean_base, "clean base")
    return sources
