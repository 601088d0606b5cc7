"""The committed simulation figures: docs show them, and they say what mobench claims."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.coverage import MARKED, METHOD, RESULTS, SECTIONS, run_scenario
from benchmarks.coverage_scenarios import MovingCase, PlateauCase, SplitCase
from benchmarks.coverage_tables import tables
from benchmarks.markers import insert

KEPT: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))


def rows(section: str, **where: Any) -> list[dict[str, Any]]:
    return [
        row
        for row in KEPT[section]["rows"]
        if all(row[key] == value for key, value in where.items())
    ]


def test_the_method_page_shows_the_committed_figures() -> None:
    page = METHOD.read_text(encoding="utf-8")
    assert insert(tables(KEPT), page, MARKED) == page


def test_every_scenario_was_simulated_often_enough() -> None:
    assert KEPT.keys() == SECTIONS.keys()
    for name, cases in SECTIONS.items():
        assert KEPT[name]["replicates"] >= 2000
        assert len(KEPT[name]["rows"]) == len(cases())


def test_plateau_intervals_cover_where_the_assumption_holds() -> None:
    held = [row for row in rows("plateau", assumed=True) if row["seeds"] >= 3]
    assert {row["over"] for row in held} == {"suite", "prompts"}
    assert min(row["coverage"] for row in held) >= 0.93


def test_a_drift_is_seldom_called_converged_and_a_return_is_always_seen() -> None:
    assert max(row["converged"] for row in rows("moving", kind="drift")) <= 0.05
    assert min(row["returned"] for row in rows("moving", kind="return")) == 1.0


def test_the_headline_is_unbiased_and_covers_and_is_the_narrower() -> None:
    found = rows("headline")
    assert max(abs(row["bias_chosen"]) for row in found) < 0.01
    assert min(row["coverage_kept"] for row in found) >= 0.93
    assert min(row["coverage_chosen"] for row in found) >= 0.93
    equal = rows("headline", shape="equal")
    assert max(abs(row["bias_fitted"]) for row in equal) < 0.01
    assert all(row["width_kept"] <= row["width_both"] for row in found)


def test_the_plan_is_seldom_wrong_and_seldom_undecided_in_every_world() -> None:
    plan = rows("verdict", plan="the plan")
    assert len(plan) >= 20
    # Where seeds split evenly it is 0.0430 exactly; the share of 2,000 runs is good to 0.009.
    assert max(row["wrong"] for row in plan) <= 0.05
    assert sum(row["undetermined"] for row in plan) / len(plan) <= 0.12
    fixed = rows("verdict", plan="three fixed seeds")
    assert max(row["wrong"] for row in fixed) > 0.1, "what it takes the place of"


def test_resistance_covers_where_capability_is_hard_to_tell() -> None:
    found = rows("unknown")
    assert min(row["coverage"] for row in found) >= 0.95
    assert min(row["left_out"] for row in found) < 0.9, "what leaving such rungs out would do"


def test_ranges_of_places_are_seldom_wrong_where_seeds_do_not_split() -> None:
    for row in rows("ranks"):
        assert row["wrong_rows"] <= row["wrong_overlap"]
        if row["board"] in ("equal", "spread", "groups") or row["plan"] == "the plan":
            assert row["wrong_rows"] <= 0.05


def test_an_even_split_is_called_for_one_side_as_seldom_as_is_said() -> None:
    (even,) = rows("looks", dissent=0.5)
    first = even["6/6, 9/10"]
    assert first["most"] + first["against"] == pytest.approx(0.043, abs=0.0005)


@pytest.mark.parametrize(
    "case",
    [
        PlateauCase("suite", 3, 30, 0.3, 0.02, 0.5, 0.75),
        SplitCase(0.3, 3),
        MovingCase("drift", 3, 100, 0.6),
        *(SECTIONS[name]()[0] for name in ("headline", "unknown", "ranks", "looks", "verdict")),
    ],
)
def test_a_scenario_runs_and_repeats_itself(case: Any) -> None:
    assert run_scenario((case, 5)) == run_scenario((case, 5))


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="substring not found"):
        insert("table", "no marker", MARKED)
