"""What the cache keeps of an organism is believed as it was written, and made again otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from mobench.records.examples import EXAMPLE
from mobench.store.cached import keep_records, kept_records
from mobench.store.kept import KEPT

RECORDS = [{"prompt": f"p{number}", "response": "r"} for number in range(4)]


def kept(path: Path, count: int | None = None) -> tuple[object, list[str]]:
    said: list[str] = []
    return kept_records(path, EXAMPLE, said.append, count=count), said


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("content", ["", "\n", '{"prompt": "p0"}\n', "{", "\x00" * 9])
def test_a_file_that_is_no_longer_what_it_was_is_told_and_made_again(
    tmp_path: Path, content: str, listed: bool
) -> None:
    """Also one from before files were listed, which has to hold records at least."""
    path = tmp_path / "gate.jsonl"
    keep_records(path, RECORDS)
    assert kept(path) == (RECORDS, [])
    if not listed:
        (tmp_path / KEPT).unlink()
    path.write_text(content)
    found, said = kept(path)
    assert found is None
    assert len(said) == 1
    assert str(path) in said[0]
    assert "made again" in said[0]
    assert kept(path) == (None, []), "it is gone, and told once"
    keep_records(path, RECORDS)
    assert kept(path) == (RECORDS, [])


def test_records_that_are_too_few_are_not_all_that_was_asked(tmp_path: Path) -> None:
    path = tmp_path / "gate.jsonl"
    keep_records(path, RECORDS)
    assert kept(path, count=4)[0] == RECORDS
    assert kept(path, count=6)[0] is None
