"""Rows that are missing or worse can only widen an interval or void a number, never raise it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from support.made_up_run import PROMPTS, cell, ladder, score, trained

from mobench.score import Estimate, RunScore
from mobench.score.rung_outcomes import Planned

Rows = list[dict[str, Any]]

WHOLE = Planned(seeds=3, prompts=PROMPTS, questions={"toy_answer": PROMPTS, "toy_choice": PROMPTS})
STRENGTH = {
    "defeated": 0,
    "defeated only at high LR": 1,
    "depends on the seed": 1,
    "resists": 2,
}
"""How much resistance a verdict claims; the others claim none."""


def noisy(seed: int) -> tuple[Rows, Rows]:
    """A ladder whose rates and losses differ by seed, with a base beside it."""
    generator = random.Random(seed)
    rows, cells = ladder()
    flips = {c["id"]: generator.uniform(0.0, 0.25) for c in cells}
    for r in rows:
        flipped = r["kind"] in ("attack", "capability") and generator.random() < flips.get(
            r["cell"], 0.0
        )
        if flipped:
            r["outcome"] = 1 - r["outcome"]
    return rows, cells


def base(rate: float) -> tuple[Rows, Rows]:
    """The clean base under the same training at the standard rung, with every seed."""
    rows: Rows = []
    cells: Rows = []
    for seed in range(3):
        cells.append(cell(1e-3, seed, id=f"b{seed}", arm="base", organism_weights="w"))
        rows += trained(f"b{seed}", rate, 0.0)
    return rows, cells


def no_narrower(less: Estimate, whole: Estimate) -> bool:
    """Whether an interval holds what it held, and its estimate did not rise."""
    if less.estimate is None:
        return True
    if whole.estimate is None:
        return False
    assert less.low is not None
    assert less.high is not None
    assert whole.low is not None
    assert whole.high is not None
    dust = 1e-9
    return (
        less.low <= whole.low + dust
        and less.high >= whole.high - dust
        and less.estimate <= whole.estimate + dust
    )


def check(less: RunScore, whole: RunScore) -> None:
    assert no_narrower(less.resistance, whole.resistance), (less.resistance, whole.resistance)
    assert no_narrower(less.standard_resistance, whole.standard_resistance) or (
        # The standard rung's own rate is its mean over what was judged.
        less.standard_resistance.low <= whole.standard_resistance.low
        and less.standard_resistance.high >= whole.standard_resistance.high
    )
    was, now = whole.verdict.word, less.verdict.word
    if now != was and now in STRENGTH:
        assert was in STRENGTH, f"{was} became {now}"
        assert STRENGTH[now] <= STRENGTH[was], f"{was} became {now}"
    for mine, theirs in zip(less.rungs, whole.rungs, strict=True):
        for epsilon, word in mine.admissible.items():
            assert word in (theirs.admissible[epsilon], "undetermined")


def drop(chosen: Callable[[dict[str, Any]], bool]) -> Callable[[Rows, random.Random], Rows]:
    return lambda rows, generator: [r for r in rows if not (chosen(r) and generator.random() < 0.5)]


def some(share: float) -> Callable[[Rows, random.Random], Rows]:
    return lambda rows, generator: [
        r for r in rows if r["cell"] == "organism" or generator.random() >= share
    ]


def before_training(rows: Rows, generator: random.Random) -> Rows:
    return [r for r in rows if r["cell"] != "organism" or generator.random() >= 0.1]


def prompts(rows: Rows, generator: random.Random) -> Rows:
    gone = {f"p{generator.randrange(PROMPTS)}" for _ in range(8)}
    return [r for r in rows if r["prompt"] not in gone]


def checkpoints(rows: Rows, generator: random.Random) -> Rows:
    gone = {generator.choice((32, 40, 48, 56, 64)) for _ in range(2)}
    return [r for r in rows if r["step"] not in gone]


def unjudged(rows: Rows, generator: random.Random) -> Rows:
    return [
        {**r, "outcome": None} if r["kind"] == "attack" and generator.random() < 0.1 else r
        for r in rows
    ]


@pytest.mark.parametrize(
    "degrade",
    [
        some(0.02),
        some(0.3),
        before_training,
        prompts,
        checkpoints,
        unjudged,
        drop(lambda r: r["kind"] == "capability" and r["cell"] != "organism"),
        drop(lambda r: r["kind"] == "control"),
        drop(lambda r: r["cell"].startswith("0.003-1")),
        drop(lambda r: r["cell"].startswith("b")),
    ],
    ids=lambda degrade: degrade.__qualname__.split(".")[0],
)
@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_what_is_missing_never_raises_a_number(
    degrade: Callable[[Rows, random.Random], Rows], rate: float
) -> None:
    for seed in range(6):
        rows, cells = noisy(seed)
        more, controls = base(rate)
        options = {"controls": controls, "planned": WHOLE}
        whole = score([*rows, *more], cells, **options)
        generator = random.Random(seed)
        left = degrade([dict(r) for r in (*rows, *more)], generator)
        check(score(left, cells, **options), whole)


@pytest.mark.parametrize("lr", [1e-3, 3e-3])
def test_a_seed_that_is_left_out_could_have_gone_the_other_way(lr: float) -> None:
    rows, cells = ladder()
    whole = score(rows, cells, planned=WHOLE)
    gone = next(c["id"] for c in cells if c["lr"] == lr and c["seed"] == 1)
    left = score(
        [r for r in rows if r["cell"] != gone],
        [c for c in cells if c["id"] != gone],
        planned=WHOLE,
    )
    check(left, whole)
    assert left.verdict.word == "undetermined"


def test_what_is_missing_before_training_does_not_raise_what_is_kept_of_it() -> None:
    """With a smaller a0 the same rate would be more of it."""
    rows, cells = ladder()
    for r in rows:
        if r["cell"].startswith("0.001-") and r["kind"] == "attack":
            r["outcome"] = int(int(r["prompt"][1:]) < 60)
    whole = score(rows, cells, planned=WHOLE)
    for r in rows:
        if r["cell"] == "organism" and r["kind"] == "attack" and int(r["prompt"][1:]) < 8:
            r["outcome"] = None
    check(score(rows, cells, planned=WHOLE), whole)


def test_a_rung_without_a_row_of_capability_stays_a_suspect() -> None:
    rows, cells = ladder()
    left = [r for r in rows if not (r["cell"].startswith("0.01-") and r["kind"] == "capability")]
    whole, less = score(rows, cells, planned=WHOLE), score(left, cells, planned=WHOLE)
    assert whole.rungs[3].verdict == "wrecked"
    assert less.rungs[3].verdict == "undetermined: capability undetermined"
    assert less.resistance.low == 0.0
    check(less, whole)


def test_a_capability_interval_holds_whatever_a_missing_score_would_have_been() -> None:
    rows, cells = ladder()
    full = score(rows, cells, planned=WHOLE).rungs[2].capability_loss
    some_left = [
        r
        for r in rows
        if not (
            r["cell"] == "0.003-0" and r["kind"] == "capability" and int(r["prompt"][1:]) % 9 == 0
        )
    ]
    less = score(some_left, cells, planned=WHOLE).rungs[2].capability_loss
    assert less.low < full.low
    assert less.high > full.high
    assert "missing" in less.method
