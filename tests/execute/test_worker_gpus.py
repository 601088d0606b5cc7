"""Each worker sees GPUs of its own: as many as one model takes."""

from __future__ import annotations

import pytest

from mobench.execute import workers


@pytest.mark.parametrize(
    ("visible", "gpus", "own"),
    [
        ("0,1,2,3", 1, ["0", "1", "2", "3"]),
        ("4,5,6,7", 2, ["4,5", "6,7", "4,5", "6,7"]),  # in turn: more workers than groups
        ("0,1,2,3,4,5,6,7", 3, ["0,1,2", "3,4,5", "0,1,2", "3,4,5"]),  # two are left over
        ("2,3", 4, ["2,3", "2,3", "2,3", "2,3"]),  # fewer than it takes: all there are
    ],
)
def test_gpus_are_shared_out_in_whole_groups(
    visible: str, gpus: int, own: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    seen = [workers._environment(number, 4, gpus)["CUDA_VISIBLE_DEVICES"] for number in range(4)]
    assert seen == own


def test_on_a_cpu_a_worker_gets_its_part_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    given = workers._environment(0, 1_000, 0)
    assert given["OMP_NUM_THREADS"] == "1"
    assert "CUDA_VISIBLE_DEVICES" not in given
