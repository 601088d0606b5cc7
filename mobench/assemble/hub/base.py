"""A base from the hub as one folder with weights and tokenizer, and the commits it was made of."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from mobench.assemble.hub.parts import TOKENIZER, TOKENIZER_ALONE, Part, base_sources
from mobench.assemble.hub.snapshot import fetch
from mobench.assemble.staged_folder import put_in_place, staged_folder
from mobench.progress import Progress, Tick
from mobench.registry.model_facts import SEVERAL_TEMPLATES
from mobench.registry.weights_schema import HubBase

MIB = 1024**2


def hub_base(
    base: HubBase,
    cache: Path,
    *,
    offline: bool,
    progress: Progress,
    refuse: Callable[[Path], None] | None = None,
) -> tuple[Path, dict[str, Any]]:
    """Fetches a base.

    Args:
        base: Where it is.
        cache: Where folders that join two repositories are kept.
        offline: Whether only the hub's cache may be used.
        progress: Where the download is shown.
        refuse: Takes a folder with the configuration alone, before the weights are fetched, and
            raises where they are not wanted.

    Returns:
        A folder in Hugging Face format, and the commits of the repositories.

    Raises:
        MobenchError: It cannot be had, has no safetensors, or is damaged.
    """
    weights = base_sources(base)[0]
    part = weights.part if refuse is None else weights.part.refusing(refuse)
    folder, commit = fetch_with_progress(
        weights.repo, weights.revision, part, offline=offline, progress=progress
    )
    facts: dict[str, Any] = {"commit": commit}
    if base.tokenizer is None:
        return folder, facts
    tokenizer, tokenizer_commit = fetch_with_progress(
        base.tokenizer.repo,
        base.tokenizer.revision,
        TOKENIZER_ALONE,
        offline=offline,
        progress=progress,
    )
    facts["tokenizer"] = {"repo": base.tokenizer.repo, "commit": tokenizer_commit}
    name = f"{base.repo.replace('/', '--')}-{commit[:12]}-{tokenizer_commit[:12]}"
    return joined_folder(folder, tokenizer, cache / name), facts


def fetch_with_progress(
    repo: str, revision: str, part: Part, *, offline: bool, progress: Progress
) -> tuple[Path, str]:
    """Fetches a part of a repository, with one line of progress in MiB."""
    tick: Tick | None = None
    shown = 0
    with ExitStack() as stack:

        def report(arrived: int, total: int) -> None:
            nonlocal tick, shown
            if tick is None:  # The size in all comes with the first report.
                phase = progress.phase(f"fetching {repo}, MiB", -(-total // MIB))
                tick = stack.enter_context(phase)
            tick(arrived // MIB - shown)
            shown = arrived // MIB

        return fetch(repo, revision, part, offline=offline, report=report)


def joined_folder(weights: Path, tokenizer: Path, into: Path) -> Path:
    """Returns a folder of links to the weights of one folder and to the tokenizer of another.

    It is made again where a link is broken, because the hub's cache may have been cleared since.

    Args:
        weights: A folder with weights and configuration.
        tokenizer: A folder with a tokenizer.
        into: The folder to return, in Hugging Face format.
    """
    targets = {file.name: file.resolve() for file in weights.iterdir() if not _is_tokenizer(file)}
    targets |= {file.name: file.resolve() for file in tokenizer.iterdir() if _is_tokenizer(file)}

    def joins(folder: Path) -> bool | None:
        if not folder.is_dir():
            return None
        return {file.name: file.resolve() for file in folder.iterdir()} == targets or None

    if joins(into):
        return into
    with staged_folder(into) as staging:
        for name, target in targets.items():
            os.symlink(target, staging / name)
        put_in_place(staging, into, joins)
    return into


def _is_tokenizer(file: Path) -> bool:
    return any(fnmatch(file.name, pattern) for pattern in (*TOKENIZER, SEVERAL_TEMPLATES))
