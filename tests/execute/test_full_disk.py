"""A worker whose log lies on a full disk still has its reason told."""

from __future__ import annotations

from pathlib import Path

from support.small_disk import fill

from mobench.execute.worker_life import TOLD, last_words


def test_an_empty_log_on_a_full_disk_says_that_the_disk_is_full(small_disk: Path) -> None:
    log = small_disk / "0.log"
    log.touch()
    filler = fill(small_disk)
    assert "no space left on the disk" in last_words(log)
    filler.unlink()
    assert last_words(log) == ""
    log.write_text("".join(f"line {n}\n" for n in range(50)))
    fill(small_disk)
    said = last_words(log).splitlines()
    assert len(said) == TOLD
    assert said[-1] == "    line 49"
