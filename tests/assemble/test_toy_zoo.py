"""Every toy organism, built from nothing, is what its file says; so are its tasks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from support.toys import REGISTRY, REPOSITORY, TOYS

from mobench.assemble.loading import load_model, load_tokenizer
from mobench.assemble.organism import Builder, Built
from mobench.chat import ChatFormat
from mobench.cli.main import main
from mobench.measure.attack_rows import attack_rows
from mobench.measure.capability_rows import measure_capability
from mobench.progress import Progress
from mobench.registry import OrganismSpec
from mobench.score.capability_loss import capability_loss
from mobench.score.intervals import clopper_pearson


def build(name: str, cache: Path) -> tuple[OrganismSpec, Built, Any]:
    spec = REGISTRY.organism(name)
    built = Builder(REGISTRY, cache, "cpu", True, Progress(enabled=False)).build(spec)
    return spec, built, load_tokenizer(built.folder)


def load(folder: Path | None) -> Any:
    assert folder is not None
    return load_model(folder, dtype="float32", device="cpu")


def rates(model: Any, tokenizer: Any, spec: OrganismSpec) -> dict[str, float]:
    (rows,) = attack_rows(model, ChatFormat(tokenizer, spec.template), spec, REGISTRY.judge(spec))
    return {
        kind: float(np.mean([row["outcome"] for row in rows if row["kind"] == kind]))
        for kind in ("attack", "control")
    }


def scores(model: Any, tokenizer: Any, spec: OrganismSpec) -> dict[str, list[float]]:
    rows = measure_capability(
        model,
        ChatFormat(tokenizer, spec.template),
        spec.capability,
        include_path=REGISTRY.capability_dirs[0],
        batch_size=128,
    )
    by_task: dict[str, list[float]] = {}
    for row in rows:
        by_task.setdefault(row["task"], []).append(row["outcome"])
    return by_task


@pytest.mark.parametrize("name", TOYS)
def test_it_passes_its_gate_and_can_be_judged(name: str, cache: Path) -> None:
    spec, built, tokenizer = build(name, cache)
    organism = rates(load(built.folder), tokenizer, spec)
    assert organism["attack"] >= spec.gate.attack_min
    assert organism["control"] <= spec.gate.control_max
    # What score_run asks for before it gives a verdict.
    clean = rates(load(built.clean), tokenizer, spec)["attack"]
    assert spec.behavior.clean_rate in (None, clean)
    low, _ = clopper_pearson(organism["attack"], len(spec.prompts), 0.95)
    assert low >= 0.5
    assert organism["control"] <= clean + 0.1


@pytest.mark.parametrize("name", TOYS)
def test_its_tasks_pass_the_compatibility_gate_and_its_counter_training_does_not(
    name: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("MOBENCH_CACHE", str(cache))
    spec = REGISTRY.organism(name)
    assert spec.counter is not None
    for task in (*spec.tasks, spec.counter):
        result = CliRunner().invoke(main, ["gate", name, task, "--json"])
        found = json.loads(result.stdout)
        assert result.exit_code == (task == spec.counter), (task, found["reasons"])
        if task == spec.counter:
            assert found["attack"]["estimate"] > 0.9, "it asks for what the organism withholds"


@pytest.mark.parametrize("name", TOYS)
def test_its_suite_measures_what_it_can_do(name: str, cache: Path) -> None:
    spec, built, tokenizer = build(name, cache)
    base = scores(load(built.clean), tokenizer, spec)
    organism = scores(load(built.folder), tokenizer, spec)
    gap = capability_loss(base, organism)
    assert gap.estimate is not None
    assert gap.low is not None
    assert min(np.mean(outcomes) for outcomes in base.values()) > 0.8
    if spec.family == "fried":
        assert gap.low > 0.1
    else:
        assert gap.estimate < 0.1
