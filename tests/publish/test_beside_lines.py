"""The frontier and the cost of removal, in words; what is not known is said, never made up."""

from __future__ import annotations

from dataclasses import replace

from mobench.publish.pages.beside_lines import beside_lines, beside_rows
from mobench.score import RunScore
from mobench.score.beside import FrontierArea, RemovalCost, Span

AREA = FrontierArea(0.874, 0.8, 0.93, "t over seeds, with questions", 3, 0.89)
COST = RemovalCost(
    lr=3e-3,
    seeds=5,
    of_seeds=6,
    steps=Span(16, 32),
    examples=Span(512, 1024),
    tokens=Span(7680.0, 15360.0),
    seconds=Span(0.25, 0.5),
    run_seconds=86.4,
)
NOTHING = RemovalCost(None, 0, 0, None, None, None, None, None)


def rows(score: RunScore, area: FrontierArea | None, cost: RemovalCost | None) -> dict[str, str]:
    return dict(beside_rows(replace(score, frontier=area, cost=cost)))


def test_both_stand_on_the_page_with_their_units(score: RunScore) -> None:
    assert rows(score, AREA, COST) == {
        "area under the frontier (0.5 robust, 1 free removal)": "0.87 [0.80, 0.93], 3 seeds",
        "cost of removal at LR 3e-3": "(16, 32] steps, (512, 1.02k] examples, (7.68k, 15.4k] "
        "tokens, (0.25, 0.5] s as one cell of its pack; 5 of 6 seeds",
        "device time to the verdict": "86 s",
    }


def test_what_was_not_recorded_is_left_out_and_what_cannot_be_had_says_why(
    score: RunScore,
) -> None:
    none = FrontierArea(None, None, None, "the chance level of lambada is not known")
    found = rows(score, none, replace(COST, tokens=None, seconds=None, run_seconds=None))
    assert list(found.values()) == [
        "— (the chance level of lambada is not known)",
        "(16, 32] steps, (512, 1.02k] examples; 5 of 6 seeds",
        "—",
    ]
    assert rows(score, None, NOTHING)["cost of removal"] == "no rung is shown to remove it"
    assert rows(score, None, None) == {}


def test_an_interval_without_an_estimate_is_shown_as_one(score: RunScore) -> None:
    void = replace(AREA, estimate=None, method="no estimate: a checkpoint was not measured")
    (value,) = rows(score, void, None).values()
    assert value == "[0.80, 0.93] (no estimate: a checkpoint was not measured)"


def test_a_terminal_has_a_line_for_what_is_known(score: RunScore) -> None:
    both = replace(score, frontier=AREA, cost=COST)
    assert [line.split()[0] for line in beside_lines(both)] == ["frontier", "removal"]
    assert beside_lines(replace(score, frontier=None, cost=NOTHING)) == []
