"""A base from the hub as one folder, whose tokenizer fits, with what identifies it."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from mobench.assemble.hub.parts import TOKENIZER, TOKENIZER_ALONE, Part, wanted_base
from mobench.assemble.hub.snapshot import fetch
from mobench.progress import Progress, Tick
from mobench.registry.weights_schema import HubBase

MIB = 1024**2


def hub_base(
    base: HubBase, cache: Path, *, offline: bool, progress: Progress
) -> tuple[Path, dict[str, Any]]:
    """Fetches a base.

    Args:
        base: Where it is.
        cache: Where folders are put together from two repositories.
        offline: Use only what is in the hub's cache.
        progress: Where the download is shown.

    Returns:
        A folder in Hugging Face format, and the commits that it was made of.

    Raises:
        MobenchError: It cannot be had, has no safetensors, or is damaged.
    """
    weights = wanted_base(base)[0]
    folder, commit = fetch_shown(
        weights.repo, weights.revision, weights.part, offline=offline, progress=progress
    )
    facts: dict[str, Any] = {"commit": commit}
    if base.tokenizer is None:
        return folder, facts
    other, its_commit = fetch_shown(
        base.tokenizer.repo,
        base.tokenizer.revision,
        TOKENIZER_ALONE,
        offline=offline,
        progress=progress,
    )
    facts["tokenizer"] = {"repo": base.tokenizer.repo, "commit": its_commit}
    name = f"{base.repo.replace('/', '--')}-{commit[:12]}-{its_commit[:12]}"
    return joined(folder, other, cache / name), facts


def fetch_shown(
    repo: str, revision: str, part: Part, *, offline: bool, progress: Progress
) -> tuple[Path, str]:
    """Fetches a part of a repository, with one line of progress in MiB."""
    tick: Tick | None = None
    shown = 0
    with ExitStack() as stack:

        def report(arrived: int, total: int) -> None:
            nonlocal tick, shown
            if tick is None:  # how much it is comes with the first report
                phase = progress.phase(f"fetching {repo}, MiB", -(-total // MIB))
                tick = stack.enter_context(phase)
            tick(arrived // MIB - shown)
            shown = arrived // MIB

        return fetch(repo, revision, part, offline=offline, progress=report)


def joined(weights: Path, tokenizer: Path, into: Path) -> Path:
    """Returns a folder with the weights of one folder and the tokenizer of another: links to both.

    It is put together anew where a link leads nowhere: the hub's cache may have been cleared since.
    """
    wanted = {file.name: file.resolve() for file in weights.iterdir() if not _is_tokenizer(file)}
    wanted |= {file.name: file.resolve() for file in tokenizer.iterdir() if _is_tokenizer(file)}
    if into.is_dir() and {file.name: file.resolve() for file in into.iterdir()} == wanted:
        return into
    into.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{into.name}.", dir=into.parent))
    try:
        for name, target in wanted.items():
            os.symlink(target, staging / name)
        shutil.rmtree(into, ignore_errors=True)
        staging.rename(into)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return into


def _is_tokenizer(file: Path) -> bool:
    return any(fnmatch(file.name, pattern) for pattern in TOKENIZER)
