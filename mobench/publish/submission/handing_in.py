"""A finished run on its way to a pull request: what would be refused there is refused here."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from mobench.errors import Problems
from mobench.publish.submission.announced_plans import (
    Announcement,
    announced_plans,
    announcements,
)
from mobench.publish.submission.export import Added, add_run
from mobench.publish.submission.files import require
from mobench.records.manifest import Manifest
from mobench.store import RunFolder


@dataclass(frozen=True)
class HandedIn:
    """A run that lies on the leaderboard and waits to be committed.

    Attributes:
        added: Where.
        organism: Its organism.
        task: Its task.
        announcement: Whether its plan was announced.
    """

    added: Added
    organism: str
    task: str
    announcement: Announcement


def hand_in(run: Path, root: Path) -> HandedIn:
    """Checks a finished run for what a reviewer would, and copies it into the leaderboard.

    Args:
        run: The run's folder.
        root: The leaderboard's folder, in a clone of the repository.

    Raises:
        MobenchError: It is no run's folder, or there is no leaderboard.
        Problems: It is unfinished or damaged, or its code is not known; nothing is written then.
    """
    require(root)
    manifest = RunFolder(run).manifest()
    found = code_problems(manifest, root)
    if found:
        raise Problems(
            [f"{run}: {problem}" for problem in found],
            "commit, push, and run it again from there: a result is of code that others can read",
        )
    added = add_run(run, root)
    (known,) = announcements([manifest], announced_plans(root, []))
    return HandedIn(added, manifest.organism.name, manifest.task.name, known)


def code_problems(manifest: Manifest, root: Path) -> list[str]:
    """What is wrong with the commit that a run names.

    Args:
        manifest: The run's.
        root: A folder in a clone of the repository.
    """
    git = manifest.git
    if git is None or git.commit is None:
        return ["it was not run from a git repository, so nobody knows its code"]
    found = []
    if git.dirty is not False:
        found.append(f"its code was changed since commit {git.commit[:12]}")
    if not _is_known(git.commit, root):
        found.append(f"its commit {git.commit[:12]} is not in this repository")
    return found


def git_commands(handed_in: HandedIn, root: Path) -> list[str]:
    """The commands that turn it into a pull request."""
    name = f"{handed_in.organism}-{handed_in.task}"
    return [
        f"git switch -c result-{name}",
        f"git add {' '.join([str(root), *_untracked(root)])}",
        f"git commit -m 'Result: {handed_in.organism} on {handed_in.task}'",
        f"git push -u origin result-{name}",
    ]


def _untracked(root: Path) -> list[str]:
    """Folders of organisms and tasks that hold files which no commit has."""
    beside = [root.parent / name for name in ("organisms", "tasks")]
    found = []
    for folder in (one for one in beside if one.is_dir()):
        listed = ["ls-files", "--others", "--exclude-standard", "--directory", "."]
        done = _git(folder, *listed)
        found += [str(folder / line.rstrip("/")) for line in done.splitlines()] if done else []
    return found


def _is_known(commit: str, root: Path) -> bool:
    """Whether a commit is in the history of the repository that a folder lies in."""
    if not commit.isalnum():  # never an option of git's
        return False
    return _git(root, "merge-base", "--is-ancestor", commit, "HEAD") is not None


def _git(folder: Path, *words: str) -> str | None:
    """What a command of git's prints; None where it fails."""
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None
