"""A result is reproduced where some of its cells, trained again, fall inside of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.tampering import GOOD_SMALL, Parts, parts_of, write_result

from mobench.plan.sequential import plan_hash
from mobench.publish.pages.board import draw_all
from mobench.publish.submission.findings import Window
from mobench.publish.submission.reproduction import FOLDER, MARGIN, compare, foretold

RUNG = 3e-4


def test_one_further_seed_lies_where_the_published_ones_foretell_it() -> None:
    assert foretold([1.0, 1.0]) == pytest.approx((1 - MARGIN, 1.0))
    assert foretold([0.4]) == pytest.approx((0.4 - MARGIN, 0.4 + MARGIN))
    # t of 0.975 at two degrees of freedom is 4.303; the standard deviation is 0.1.
    half = 4.302653 * 0.1 * (1 + 1 / 3) ** 0.5
    assert foretold([0.4, 0.5, 0.6]) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-6)


def test_a_cell_is_compared_with_its_own_rung_and_budget() -> None:
    published = [Window(1e-3, 64, seed, 0.9) for seed in range(3)]
    again = [Window(1e-3, 64, 0, 0.88), Window(1e-3, 128, 0, 0.9), Window(3e-3, 64, 0, 0.9)]
    (one,) = compare(again, published)
    assert (one.lr, one.rate, one.inside) == (1e-3, 0.88, True)
    (other,) = compare([Window(1e-3, 64, 0, 0.5)], published)
    assert not other.inside


def some_cells() -> Parts:
    """One cell of the good result, as a run of it alone leaves it."""
    parts = parts_of(GOOD_SMALL)
    manifest: Any = parts.manifest
    parts.cells[:] = [c for c in parts.ladder() if (c["lr"], c["seed"]) == (RUNG, 0)]
    kept = {cell["id"] for cell in parts.cells}
    manifest["cells"] = [cell for cell in manifest["cells"] if cell["id"] in kept]
    manifest["controls"] = []
    manifest["ladder"].update(rungs=[RUNG], seeds=1)
    manifest["command"] += " --no-controls"
    manifest["created"] = "2026-12-01T00:00:00+00:00"
    plan = manifest["plan"]
    plan["seeds"] = 1
    plan["hash"] = plan_hash(plan, rungs=[RUNG], steps=128, standard_lr=RUNG)
    parts.rows[:] = [row for row in parts.rows if row["cell"] in {*kept, "organism", "base"}]
    return parts


def board(tmp_path: Path, again: Parts) -> Any:
    write_result(tmp_path / "results", parts_of(GOOD_SMALL))
    write_result(tmp_path / FOLDER, again)
    return draw_all(tmp_path)


def test_a_cell_that_falls_inside_makes_a_result_reproduced(tmp_path: Path) -> None:
    results = board(tmp_path, some_cells())
    assert results.problems == ()
    standing = results.drawn[0].entry.standing
    assert standing.status == "reproduced"
    assert "1 of 1 cells inside" in standing.reason


def test_a_cell_that_falls_outside_does_not(tmp_path: Path) -> None:
    again = some_cells()
    for row in again.rows:
        if row["cell"] not in ("organism", "base") and row["kind"] == "attack":
            row.update(outcome=0, inert=0, answer="4")
    results = board(tmp_path, again)
    assert results.problems == ()
    assert results.drawn[0].entry.standing.status == "recomputed"


def test_a_reproduction_that_contradicts_itself_counts_for_nothing(tmp_path: Path) -> None:
    again = some_cells()
    row = next(row for row in again.rows if row["cell"] == again.cells[0]["id"])
    row["outcome"] = 1 - row["outcome"]
    results = board(tmp_path, again)
    assert any(FOLDER in problem and "outcome" in problem for problem in results.problems)
    assert results.drawn[0].entry.standing.status == "recomputed"
