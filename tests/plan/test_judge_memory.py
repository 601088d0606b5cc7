"""A judging model on the same device is part of the plan."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.tiny_models import llama

from ci.gpu_plans_page import gpu
from mobench.cli.cost_summary import cost_summary
from mobench.gate.judge_model import judge_bytes
from mobench.machine.hardware import GIB
from mobench.measure.judges import JudgeChoice
from mobench.plan.cost_record import RunCost
from mobench.plan.question_load import question_loads
from mobench.plan.run_cost import cost_at_speed
from mobench.registry import collect

REGISTRY = collect(Path(__file__).parents[2])
SPEC = REGISTRY.organism("auditbench-defend-objects-14b")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_judge_s_memory_is_that_of_its_weights(dtype: torch.dtype, tmp_path: Path) -> None:
    model = llama(dtype)
    model.save_pretrained(tmp_path)
    held = sum(value.nbytes for value in model.state_dict().values())
    assert judge_bytes(JudgeChoice("local", str(tmp_path), "it")) == held
    assert judge_bytes(JudgeChoice("openai", "http://127.0.0.1:9/v1", "it")) == 0
    assert judge_bytes(None) == 0


def planned(size: int, judge: int) -> RunCost:
    return cost_at_speed(
        SPEC,
        SPEC.presets["standard"],
        gpu(size),
        speed=3e14,
        capability=question_loads(SPEC, REGISTRY.capability_dir(SPEC)),
        controls=True,
        engine="hf",
        judge_bytes=judge,
    )


def test_fewer_cells_are_trained_together_beside_a_judge() -> None:
    alone, beside = planned(141, 0), planned(141, 30 * GIB)
    assert (alone.pack, beside.pack) == (2, 1)
    assert beside.memory_bytes <= beside.memory_planned_with
    said = cost_summary(SPEC, REGISTRY.task(SPEC.tasks[0]), beside)
    assert "of which 30.0 GiB are the judge's" in said
    assert "capability questions" in said
    assert "the judge's" not in cost_summary(SPEC, REGISTRY.task(SPEC.tasks[0]), alone)
