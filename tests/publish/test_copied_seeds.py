"""Seeds that agree everywhere are copies, but only where training changed what was answered."""

from __future__ import annotations

import pytest

from mobench.publish.submission.copies import Said

RUNGS = (1e-4, 1e-3, 1e-2)
SAME = {(lr, seed): f"answers at {lr}" for lr in RUNGS for seed in (0, 1)}


@pytest.mark.parametrize(("changed", "found"), [((), 0), (RUNGS[2:], 0), (RUNGS[1:], 1)])
def test_a_short_run_whose_seeds_learn_nothing_is_honest(
    changed: tuple[float, ...], found: int
) -> None:
    said = Said(SAME, {(lr, seed) for lr in changed for seed in (0, 1)})
    assert len(said.copied_seeds) == found


def test_seeds_that_part_at_one_rung_are_no_copies() -> None:
    said = Said({**SAME, (1e-2, 1): "others"}, frozenset(SAME))
    assert said.copied_seeds == []
