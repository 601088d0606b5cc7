"""Rows looked at as columns say what the same rows say one by one."""

import math
import random

import numpy as np
import pytest

from mobench.records.names import ROW_KINDS
from mobench.score.columns import Columns
from mobench.score.row_table import index_rows

CELLS = ("a", "b", "organism")


def made_up(rngseed: int) -> list[dict[str, object]]:
    """Rows in any order, some missing and some not judged."""
    rng = random.Random(rngseed)
    rows: list[dict[str, object]] = []
    for cell in CELLS:
        for kind in ROW_KINDS:
            for task in ("math", "facts") if kind == "capability" else ("", None):
                for step in (0,) if cell == "organism" else (1, 4, 16):
                    for prompt in range(5) if task is not None else range(5, 7):
                        if rng.random() < 0.8:
                            outcome: object = rng.choice([0, 1, 1.0, None])
                            if kind == "capability" and outcome is not None:
                                outcome = rng.random()
                            flag = rng.choice([0, 1, None]) if kind == "attack" else None
                            rows.append(
                                {
                                    "cell": cell,
                                    "kind": kind,
                                    "task": task,
                                    "step": step,
                                    "prompt": f"p{prompt}",
                                    "outcome": outcome,
                                    "inert": flag,
                                }
                            )
    rng.shuffle(rows)
    return rows


@pytest.mark.parametrize("rngseed", range(5))
def test_every_row_is_found_at_its_place_and_nothing_anywhere_else(rngseed: int) -> None:
    rows = made_up(rngseed)
    table = index_rows(rows, CELLS)
    held = {
        (row["cell"], row["kind"], row["task"] or "", row["step"], row["prompt"]): row
        for row in rows
    }
    prompts, steps = ["p9", *(f"p{n}" for n in range(7))], [0, 1, 2, 4, 16]
    for cell in (*CELLS, "base"):
        for kind in ROW_KINDS:
            for task in ("", "math", "facts"):
                for field in ("outcome", "inert"):
                    found = table.array(cell, kind, steps, prompts, task, part=field)
                    expected = [
                        [
                            math.nan if value is None else float(value)
                            for prompt in prompts
                            for value in [held.get((cell, kind, task, s, prompt), {}).get(field)]
                        ]
                        for s in steps
                    ]
                    np.testing.assert_array_equal(found, np.array(expected))
                wanted = {key[3] for key in held if key[:3] == (cell, kind, task)}
                assert table.steps(cell, kind, task) == sorted(wanted)
    for kind in ROW_KINDS:
        for task in ("", "math", "facts"):
            asked = {key[4] for key in held if key[1:3] == (kind, task)}
            assert list(table.prompts(kind, task)) == sorted(asked)
            whole = table.array("a", kind, [1, 4], table.prompts(kind, task), task)
            again = table.array("a", kind, [1, 4], list(table.prompts(kind, task)), task)
            np.testing.assert_array_equal(whole, again)


def test_a_flag_is_no_outcome_and_a_text_no_number() -> None:
    row = {"cell": "a", "kind": "attack", "task": "", "step": 1, "prompt": "p", "outcome": True}
    columns = Columns.of([row, {**row, "prompt": "q", "outcome": 1}])
    assert columns.types["outcome"] == {bool, int}
    with pytest.raises(ValueError, match="could not convert"):
        Columns.of([{**row, "outcome": "yes"}])
    with pytest.raises(TypeError):
        Columns.of([{**row, "outcome": [1]}])


@pytest.mark.parametrize(
    ("kind", "outcome", "sound"),
    [
        ("attack", 1, True),
        ("attack", None, True),
        ("attack", 0.5, False),
        ("attack", math.nan, False),
        ("capability", 0.5, True),
        ("capability", 1.5, False),
        ("capability", -0.5, False),
    ],
)
def test_rates_are_sound_or_not(kind: str, outcome: object, sound: bool) -> None:
    rows = [
        {"cell": "a", "kind": kind, "task": "", "step": 1, "prompt": "p", "outcome": outcome},
        {"cell": "a", "kind": "control", "task": "", "step": 1, "prompt": "p", "outcome": None},
    ]
    assert Columns.of(rows).rates_are_sound is sound


def test_a_row_that_is_there_twice_is_seen_even_if_its_task_is_spelled_otherwise() -> None:
    row = {"cell": "a", "kind": "attack", "task": "", "step": 1, "prompt": "p", "outcome": 1}
    assert not Columns.of([row, {**row, "step": 2}]).repeated
    assert Columns.of([row, {**row, "task": None}]).repeated


def test_prompts_of_a_kind_are_counted_once() -> None:
    row = {"cell": "a", "kind": "attack", "task": "", "step": 1, "prompt": "p", "outcome": 1}
    rows = [row, {**row, "step": 2}, {**row, "prompt": "q"}, {**row, "kind": "control"}]
    assert Columns.of(rows).prompts("attack") == 2
    assert Columns.of(rows).prompts("capability") == 0
