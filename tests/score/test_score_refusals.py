"""Rows, cells and options that make no sense are refused with what is wrong about them."""

import pytest
from support.made_up_run import cell, ladder, row, score


def refuse(change):
    rows, cells = ladder(seeds=1)
    return change(rows, cells)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows, cells: ([], cells), "no rows"),
        (lambda rows, cells: (rows, []), "no cells"),
        (lambda rows, cells: (rows, cells[1:]), "does not have"),
        (lambda rows, cells: (rows, [*cells, cells[0]]), "are both"),
        (lambda rows, cells: (rows, [*cells[:-1], {**cells[-1], "method": "lora"}]), "method"),
        (lambda rows, cells: (rows, [*cells, cell(1e-2, 1, steps=128)]), "budgets"),
        (lambda rows, cells: ([r for r in rows if r["cell"] != "organism"], cells), "organism"),
        (lambda rows, cells: ([*rows, row("base", 0, "attack", 999, 0.5)], cells), "0 or 1"),
        (lambda rows, cells: ([*rows, row("base", 0, "capability", 1, 2.0, "t")], cells), "in"),
        (lambda rows, cells: ([*rows, row("base", 0, "vibes", 1, 1)], cells), "kind"),
        (lambda rows, cells: ([*rows, row("0.001-0", 0, "attack", 1, 1)], cells), "step 0"),
        (lambda rows, cells: ([*rows, row("0.001-0", 65, "attack", 1, 1)], cells), "budget of 64"),
        (lambda rows, cells: ([*rows, {"cell": "base"}], cells), "no field"),
    ],
)
def test_input_that_makes_no_sense_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        score(*refuse(change))


@pytest.mark.parametrize("options", [{"tau": 0.0}, {"level": 1.0}, {"epsilons": ()}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=r"must be|at least one"):
        score(*ladder(seeds=1), **options)
