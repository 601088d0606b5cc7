"""Plans that were announced before their runs, and which result is of which.

Of many runs one comes out best by chance. Whoever announces a plan by pull request before the run
and then publishes what came of it has shown that it was not picked. A result without is marked.
What an announcement's own date says can be made up; the commit of the main branch that took it in
cannot, which is why a pull request that brings both plan and result has announced nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from mobench.errors import Problems
from mobench.gate.request import RunRequest
from mobench.plan.sequential import hash_of_plan
from mobench.records.announced_plan import ANNOUNCED, ANNOUNCED_SCHEMA, AnnouncedPlan
from mobench.records.manifest import Manifest
from mobench.records.reading import parsed, shape_problems
from mobench.records.short_hash import short_hash
from mobench.store.atomic import write_json

FOLDER = "plans"
Announcement = Literal["announced", "announced late", "not announced", "one of several"]
"""What is known of a result: whether its plan was announced before it was begun, and whether it is
the only result of that plan."""
REMEDY = "A plan is written by `mobench submit --plan`, never by hand: remove the file."
_MOST_BYTES = 20_000


def announcement(request: RunRequest) -> AnnouncedPlan:
    """Describes a run that is going to be made, as of now.

    Args:
        request: The request of the run.
    """
    spec, preset = request.spec, request.preset
    return AnnouncedPlan(
        schema=ANNOUNCED_SCHEMA,
        announced=datetime.now(UTC).isoformat(timespec="seconds"),
        organism=spec.name,
        organism_revision=spec.revision,
        task=request.task.name,
        task_version=request.task.version,
        preset=request.options.preset,
        rungs=list(preset.rungs),
        standard_lr=spec.ladder.standard_lr,
        steps=preset.steps,
        plan=hash_of_plan(preset, standard_lr=spec.ladder.standard_lr),
        command=request.command,
    )


def keep_announcement(plan: AnnouncedPlan, root: Path) -> Path:
    """Writes an announcement; one of the same run that is there already stays, with its date.

    Args:
        plan: What is announced.
        root: The leaderboard's folder.

    Returns:
        The file.
    """
    what = {key: value for key, value in plan.items() if key != "announced"}
    path = root / FOLDER / plan["organism"] / plan["task"] / f"{short_hash(what)}.json"
    if not path.is_file():
        write_json(path, plan)
    return path


def announced_plans(root: Path, problems: list[str]) -> dict[Path, AnnouncedPlan]:
    """Reads all announcements of a leaderboard.

    Args:
        root: The leaderboard's folder.
        problems: Receives what is none, by its file; it announces nothing.
    """
    found: dict[Path, AnnouncedPlan] = {}
    for path in sorted((root / FOLDER).rglob("*")):
        if path.is_dir() and not path.is_symlink():
            continue
        if path.is_symlink() or not path.is_file() or path.suffix != ".json":
            problems.append(f"{path}: does not belong among announced plans")
        elif path.stat().st_size > _MOST_BYTES:
            problems.append(f"{path}: larger than {_MOST_BYTES} bytes")
        else:
            try:
                plan = ANNOUNCED.validate_python(parsed(path, REMEDY))
                datetime.fromisoformat(plan["announced"])
            except ValidationError as error:
                problems += [f"{path}: {problem}" for problem in shape_problems(error)]
                continue
            except (ValueError, TypeError) as error:
                problems.append(f"{path}: {error}")
                continue
            except Problems as error:
                problems += error.problems
                continue
            if path.parent != root / FOLDER / plan["organism"] / plan["task"]:
                problems.append(f"{path}: lies under another organism or task than it names")
            else:
                found[path] = plan
    return found


def announcements(
    manifests: Sequence[Manifest], plans: Mapping[Path, AnnouncedPlan]
) -> list[Announcement]:
    """Says of each result whether its plan was announced.

    Args:
        manifests: Of all results of a board.
        plans: All announcements.
    """
    matches = [
        [path for path, plan in plans.items() if _is_of(manifest, plan)] for manifest in manifests
    ]
    found: list[Announcement] = []
    for manifest, own in zip(manifests, matches, strict=True):
        before = [path for path in own if _begun(manifest) >= _time(plans[path]["announced"])]
        if not own:
            found.append("not announced")
        elif not before:
            found.append("announced late")
        elif all(sum(path in other for other in matches) > 1 for path in before):
            found.append("one of several")
        else:
            found.append("announced")
    return found


def _is_of(manifest: Manifest, plan: AnnouncedPlan) -> bool:
    """Whether a result is what was announced."""
    return (
        manifest.plan is not None
        and not manifest.plan.changed_later
        and manifest.plan.hash == plan["plan"]
        and manifest.organism.name == plan["organism"]
        and manifest.organism.revision == plan["organism_revision"]
        and manifest.task.name == plan["task"]
        and manifest.task.version == plan["task_version"]
        and manifest.preset == plan["preset"]
    )


def _begun(manifest: Manifest) -> datetime:
    """When a run was begun; the beginning of time where that is not known."""
    try:
        return _time(manifest.created or "")
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
