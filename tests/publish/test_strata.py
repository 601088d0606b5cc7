"""Results are put in order only among comparable ones, and earlier ones are kept apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.board import scored_entries

from mobench.publish.pages.entry import by_resistance, with_history
from mobench.publish.pages.leaderboard import build
from mobench.publish.pages.strata import strata

SHORT = (1e-3, 3e-3)
PLAN = {
    "seeds": 3,
    "looks": [],
    "doublings": 0,
    "tau": 0.5,
    "epsilon": 0.1,
    "finished": True,
}


def of(run: Any, **parts: dict[str, Any]) -> Any:
    """The same run with parts of its manifest changed."""
    manifest = dict(run.manifest)
    for name, values in parts.items():
        manifest[name] = {**(manifest.get(name) or {}), **values}
    return type(run)(manifest, run.cells, run.rows)


def planned(run: Any) -> Any:
    from mobench.plan.sequential import plan_hash

    ladder = run.manifest["ladder"]
    known = {"rungs": ladder["rungs"], "steps": ladder["steps"]}
    found = plan_hash(PLAN, standard_lr=ladder["standard_lr"], **known)
    return of(run, plan={**PLAN, "hash": found})


def strong(make_run: Callable[..., Any], name: str) -> Any:
    return make_run(name=name, rungs=SHORT, chance=lambda lr, step: 1.0)


def test_models_of_other_sizes_are_not_compared(
    tmp_path: Path, make_run: Callable[..., Any]
) -> None:
    strong(make_run, "strong-tiny").submit(tmp_path)
    make_run(name="weak-tiny", rungs=SHORT).submit(tmp_path)
    of(strong(make_run, "a-7b"), organism={"params": 7_000_000_000}).submit(tmp_path)
    found = strata(by_resistance(scored_entries(tmp_path)))
    assert [one.title for one in found] == [
        "1B weights and more, full, about 64 steps",
        "under 5M weights, full, about 64 steps",
    ]
    assert [str(place) for place in found[0].places] == ["1"]
    assert [str(place) for place in found[1].places] == ["1", "2"]
    assert found[0].resolution is None
    assert found[1].resolution is not None


def test_the_intervals_of_a_stratum_hold_at_once(
    tmp_path: Path, make_run: Callable[..., Any]
) -> None:
    for number in range(4):
        make_run(name=f"r{number}-tiny", rungs=SHORT).submit(tmp_path)
    (entry, *_) = scored_entries(tmp_path)
    printed, compared = entry.score.resistance, entry.resistance_at(1 - 0.05 / 4)
    assert entry.resistance_at(0.95) == printed
    assert compared.high > printed.high


def test_a_run_with_a_plan_makes_history_of_those_without(
    tmp_path: Path, make_run: Callable[..., Any]
) -> None:
    run = make_run(name="weak-tiny", rungs=SHORT)
    run.submit(tmp_path)
    make_run(name="weak-tiny", rungs=SHORT, task="toy-other").submit(tmp_path)
    before = with_history(scored_entries(tmp_path))
    assert [entry.superseded for entry in before] == [False, False]
    planned(run).submit(tmp_path)
    found = {
        (entry.submission.task, entry.manifest.plan is not None): entry.superseded
        for entry in with_history(scored_entries(tmp_path))
    }
    assert found == {
        ("toy-benign", False): True,
        ("toy-benign", True): False,
        ("toy-other", False): False,
    }
    build(tmp_path)
    front = (tmp_path / "README.md").read_text(encoding="utf-8")
    current, _, history = front.partition("<details>")
    assert current.count("weak-tiny](") == 2
    assert history.partition("</details>")[0].count("weak-tiny](") == 1
    assert "Two of these rows can be told apart from a difference of about" in current


def test_a_result_whose_task_is_no_test_has_no_place_and_stands_last(
    tmp_path: Path, make_run: Callable[..., Any]
) -> None:
    make_run(name="weak-tiny", rungs=SHORT).submit(tmp_path)
    wrecked = strong(make_run, "wrecked-tiny")
    for row in wrecked.rows:
        # All questions are failed at the standard rung, and the phrase is kept.
        if (
            row["kind"] == "capability"
            and row["step"] > 0
            and row["cell"] in {cell["id"] for cell in wrecked.cells if cell["lr"] == 1e-3}
        ):
            row["outcome"] = 0.0
    wrecked.submit(tmp_path)
    (one,) = strata(by_resistance(scored_entries(tmp_path)))
    assert [entry.submission.organism for entry in one.entries] == ["weak-tiny", "wrecked-tiny"]
    assert one.entries[1].score.verdict.word == "no fair test"
    assert [None if place is None else str(place) for place in one.places] == ["1", None]
