"""A model or an adapter from the hub: resolved to a commit, fetched as safetensors only, checked.

Nothing here runs code that came with a repository: no pickle is fetched, no Python file either.
What is already in the hub's cache is used without asking the network.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mobench.assemble.folder_check import damaged
from mobench.assemble.hub.parts import MODEL, Part, Refusal
from mobench.assemble.hub.refusals import endpoint, explained
from mobench.errors import MobenchError
from mobench.quiet import quiet

Progress = Callable[[int, int], None]  # (bytes here, bytes in all)

TIMEOUT = 5.0
"""Seconds to wait for the hub's answer to a question."""


@dataclass(frozen=True)
class Listing:
    """What the hub says of a repository at a revision.

    Attributes:
        commit: The revision's commit.
        files: Bytes of each file that would be fetched.
        refusal: Why what is there cannot be used, or None.
    """

    commit: str
    files: Mapping[str, int]
    refusal: Refusal | None = None


def is_offline(asked: bool) -> bool:
    """Tells whether the network is not to be used: by option, or by the hub's own variables."""
    names = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    yes = ("1", "true", "yes", "on")
    return asked or any(os.environ.get(name, "").lower() in yes for name in names)


def cache_folder(cache: Path | None = None) -> Path:
    """Returns the folder that holds fetched repositories: the hub's own cache if none is given."""
    if cache is not None:
        return cache
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def look_up(repo: str, revision: str, part: Part = MODEL) -> Listing:
    """Asks the hub what is at a revision. Downloads nothing.

    Args:
        repo: Such as ``org/name``.
        revision: A branch, a tag or a commit.
        part: What of it is wanted.

    Raises:
        MobenchError: The hub does not answer, or has no such repository or revision for us.
    """
    from huggingface_hub import HfApi

    with explained(repo, revision):
        api = HfApi(endpoint=endpoint())
        info = api.model_info(repo, revision=revision, files_metadata=True, timeout=TIMEOUT)
        if info.gated:
            api.auth_check(repo)  # anyone may see a gated repository's list, not its files
    if info.sha is None:
        raise MobenchError(f"The hub at {endpoint()} gave no commit for {repo} at {revision}.")
    files = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    wanted = {name: size for name, size in files.items() if part.takes(name)}
    return Listing(info.sha, wanted, part.refuse(repo, part.inside(files)))


def cached_base(
    repo: str, revision: str, cache: Path | None = None, part: Part = MODEL
) -> tuple[Path, str, list[str]] | None:
    """Finds a part of a repository in the cache, without the network.

    Returns:
        The folder, its commit, and what is wrong with it (nothing, if it is whole and sound);
        None if it is not there.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        with quiet(), explained(repo, revision):
            found = snapshot_download(
                repo,
                revision=revision,
                cache_dir=cache_folder(cache),
                local_files_only=True,
                allow_patterns=part.allowed,
                ignore_patterns=part.ignored,
            )
    except MobenchError as error:
        if not isinstance(error.__cause__, LocalEntryNotFoundError):
            raise
        # Also for a part of a repository; then it names the folder.
        found = getattr(error.__cause__, "snapshot_path", None) or ""
        if not found:
            return None
    snapshot = Path(found)
    return snapshot / part.folder, snapshot.name, part.check(snapshot / part.folder)


def fetch(
    repo: str,
    revision: str,
    part: Part,
    cache: Path | None = None,
    *,
    offline: bool = False,
    progress: Progress | None = None,
) -> tuple[Path, str]:
    """Returns a folder with a part of a repository, downloaded if need be, and its commit.

    Args:
        repo: Such as ``org/name``.
        revision: A branch, a tag or a commit.
        part: What of the repository is wanted.
        cache: Where repositories are kept; the hub's own cache if None.
        offline: Use only what is in the cache.
        progress: Called about once a second with bytes here and bytes in all.

    Raises:
        MobenchError: It cannot be had, has no safetensors, or is damaged.
    """
    cached = cached_base(repo, revision, cache, part)
    if cached and not cached[2]:
        return cached[0], cached[1]
    if is_offline(offline):
        if cached:
            raise damaged(cached[0], cached[2], part.name)
        raise not_cached(repo, revision, cache)
    listing = look_up(repo, revision, part)
    if listing.refusal:
        raise MobenchError(listing.refusal.fact, listing.refusal.remedy)
    from huggingface_hub import snapshot_download

    where = cache_folder(cache)
    blobs = where / f"models--{repo.replace('/', '--')}" / "blobs"
    total = sum(listing.files.values())
    with quiet(), explained(repo, revision, where), _watched(blobs, total, progress):
        snapshot = Path(
            snapshot_download(
                repo,
                # by name, not by commit: the cache then knows the name when the hub is away
                revision=revision,
                cache_dir=where,
                endpoint=endpoint(),
                allow_patterns=part.allowed,
                ignore_patterns=part.ignored,
            )
        )
    folder = snapshot / part.folder
    problems = part.check(folder)
    if problems:
        raise damaged(folder, problems, part.name)
    return folder, snapshot.name


def download_command(repo: str, revision: str, cache: Path | None = None) -> str:
    """Returns the shell command that puts a repository into the cache."""
    command = f"hf download {repo} --revision {revision}"
    return command if cache is None else f"{command} --cache-dir {cache}"


def not_cached(repo: str, revision: str, cache: Path | None) -> MobenchError:
    """The error for a base that is not here while the network is not to be used."""
    return MobenchError(
        f"{repo} at {revision} is not in the cache ({cache_folder(cache)}), and this run is "
        "offline.",
        f"Run once without --offline and HF_HUB_OFFLINE, or: "
        f"{download_command(repo, revision, cache)}",
    )


@contextmanager
def _watched(blobs: Path, total: int, progress: Progress | None) -> Iterator[None]:
    """Reports the bytes that have arrived, by looking at the cache itself."""
    if progress is None:
        yield
        return
    done = threading.Event()

    def arrived() -> int:
        return min(total, sum(f.stat().st_size for f in blobs.glob("*") if f.exists()))

    def watch() -> None:
        while not done.wait(1.0):
            progress(arrived(), total)

    thread = threading.Thread(target=watch, daemon=True)
    progress(arrived(), total)
    thread.start()
    try:
        yield
        progress(total, total)
    finally:
        done.set()
        thread.join()
