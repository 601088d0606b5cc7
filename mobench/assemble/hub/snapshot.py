"""A part of a hub repository on this machine: found in the hub's cache, or downloaded and checked.

Nothing here runs code that came with a repository: neither pickles nor Python files are fetched.
What is already in the hub's cache is used without asking the network, so a branch that has moved on
the hub since is not followed, and one machine's results stay results of one base.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mobench.assemble.architecture import CONFIG
from mobench.assemble.hub.parts import MODEL, Part, Refusal
from mobench.assemble.hub.refusals import endpoint, explained
from mobench.errors import MobenchError
from mobench.quiet import quiet

Report = Callable[[int, int], None]
"""Takes the bytes that have arrived and the bytes in all."""

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


def is_offline(offline: bool) -> bool:
    """Returns whether the network must not be used: by the run's option, or by a hub variable."""
    names = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    yes = ("1", "true", "yes", "on")
    return offline or any(os.environ.get(name, "").lower() in yes for name in names)


def cache_folder() -> Path:
    """Returns the folder that holds fetched repositories: the hub library's own cache."""
    # Read at each call: the hub's library reads the variable once, when it is imported.
    if chosen := os.environ.get("HF_HUB_CACHE"):
        return Path(os.path.expandvars(chosen)).expanduser()
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def look_up(repo: str, revision: str, part: Part = MODEL) -> Listing:
    """Asks the hub what is at a revision. Downloads nothing.

    Args:
        repo: Such as ``org/name``.
        revision: A branch, a tag or a commit.
        part: What is taken out of it.

    Raises:
        MobenchError: The hub does not answer, or has no such repository or revision for us.
    """
    from huggingface_hub import HfApi

    with explained(repo, revision):
        api = HfApi(endpoint=endpoint())
        info = api.model_info(repo, revision=revision, files_metadata=True, timeout=TIMEOUT)
        if info.gated:
            api.auth_check(repo)  # Anyone may list a gated repository's files, but not fetch them.
    if info.sha is None:
        raise MobenchError(f"The hub at {endpoint()} gave no commit for {repo} at {revision}.")
    files = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    taken = {name: size for name, size in files.items() if part.takes(name)}
    return Listing(info.sha, taken, part.refuse(repo, part.inside(files)))


def find_cached(repo: str, revision: str, part: Part = MODEL) -> tuple[Path, str, list[str]] | None:
    """Finds a part of a repository in the cache, without the network.

    Args:
        repo: Such as ``org/name``.
        revision: A branch, a tag or a commit.
        part: What of the repository is looked for.

    Returns:
        The folder, its commit, and what is missing or damaged in it; None if it is not there.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        with quiet(), explained(repo, revision):
            path = snapshot_download(
                repo,
                revision=revision,
                cache_dir=cache_folder(),
                local_files_only=True,
                allow_patterns=part.allowed,
                ignore_patterns=part.ignored,
            )
    except MobenchError as error:
        if not isinstance(error.__cause__, LocalEntryNotFoundError):
            raise
        # The hub's library raises this also where some of the files are there; it names the folder.
        path = getattr(error.__cause__, "snapshot_path", None) or ""
        if not path:
            return None
    snapshot = Path(path)
    return snapshot / part.folder, snapshot.name, part.check(snapshot / part.folder)


def fetch(
    repo: str,
    revision: str,
    part: Part,
    *,
    offline: bool = False,
    report: Report | None = None,
) -> tuple[Path, str]:
    """Returns a folder with a part of a repository, downloaded if need be, and its commit.

    Args:
        repo: Such as ``org/name``.
        revision: A branch, a tag or a commit.
        part: What is taken out of the repository.
        offline: Whether only the cache may be used.
        report: Called about once a second while files are downloaded.

    Raises:
        MobenchError: It cannot be had, has no safetensors, or is damaged.
    """
    # 1. Take what is in the cache, if it is complete and sound.
    cached = find_cached(repo, revision, part)
    if cached and not cached[2]:
        return cached[0], cached[1]
    if is_offline(offline):
        if cached:
            raise damage_error(cached[0], cached[2], part, repo, revision)
        raise not_cached_error(repo, revision)

    # 2. Ask the hub what is there, and refuse what cannot be used before anything is downloaded.
    listing = look_up(repo, revision, part)
    if listing.refusal:
        raise MobenchError(listing.refusal.fact, listing.refusal.remedy)

    # 3. Download the part, of a model its configuration first: that may say that it cannot be used.
    from huggingface_hub import snapshot_download

    cache = cache_folder()
    blobs = cache / f"models--{repo.replace('/', '--')}" / "blobs"

    def download(names: Sequence[str]) -> Path:
        with quiet(), explained(repo, revision, cache):
            path = snapshot_download(
                repo,
                # By name, not by commit: the cache then knows the name without the hub.
                revision=revision,
                cache_dir=cache,
                endpoint=endpoint(),
                allow_patterns=list(names),
                ignore_patterns=part.ignored,
            )
        return Path(path)

    with _reporting(blobs, sum(listing.files.values()), report):
        if part.refuse_folder is not None:
            part.refuse_folder(download([CONFIG]) / part.folder)
        snapshot = download(part.allowed)

    # 4. Check what has arrived.
    folder = snapshot / part.folder
    problems = part.check(folder)
    if problems:
        raise damage_error(folder, problems, part, repo, revision)
    return folder, snapshot.name


def download_command(repo: str, revision: str) -> str:
    """Returns the shell command that puts a repository into the cache."""
    return f"hf download {repo} --revision {revision}"


def damage_error(
    folder: Path, problems: Sequence[str], part: Part, repo: str, revision: str
) -> MobenchError:
    """Returns the error for a part of a repository that lies in the cache and cannot be loaded."""
    fix = "Run again, with the network."
    if any(" is damaged" in problem for problem in problems):
        # A file that is there is not fetched again unasked.
        fix = f"Fetch it again: {download_command(repo, revision)} --force-download"
    return MobenchError(f"The {part.name} in {folder} is not sound: {'; '.join(problems)}.", fix)


def repository_of(folder: Path) -> tuple[str, str | None] | None:
    """Returns the repository and commit that a folder of the hub's cache, or of links to it, is of.

    Args:
        folder: A folder; its files may be links, as those of joined folders are.

    Returns:
        The repository and its commit, which links do not tell; None if it is nothing of the hub's.
    """
    config = folder / "config.json"
    for path in (folder, config.resolve() if config.is_symlink() else folder):
        parts = path.parts
        at = next((n for n, name in enumerate(parts) if name.startswith("models--")), None)
        if at is None:
            continue
        repo = parts[at].removeprefix("models--").replace("--", "/", 1)
        snapshot = parts[at + 1 : at + 3]
        commit = snapshot[1] if len(snapshot) == 2 and snapshot[0] == "snapshots" else None
        return repo, commit
    return None


def not_cached_error(repo: str, revision: str) -> MobenchError:
    """Returns the error for a repository that is not in the cache of a run without network."""
    return MobenchError(
        f"{repo} at {revision} is not in the cache ({cache_folder()}), and this run is offline.",
        f"Run once without --offline and HF_HUB_OFFLINE, or: {download_command(repo, revision)}",
    )


@contextmanager
def _reporting(blobs: Path, total: int, report: Report | None) -> Iterator[None]:
    """Reports the bytes that arrive inside the block, by looking at the cache itself."""
    if report is None:
        yield
        return
    done = threading.Event()

    def arrived() -> int:
        return min(total, sum(f.stat().st_size for f in blobs.glob("*") if f.exists()))

    def watch() -> None:
        while not done.wait(1.0):
            report(arrived(), total)

    thread = threading.Thread(target=watch, daemon=True)
    report(arrived(), total)
    thread.start()
    try:
        yield
        report(total, total)
    finally:
        done.set()
        thread.join()
