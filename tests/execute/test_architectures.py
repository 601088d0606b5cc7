"""Gate, ladder and capability of the architectures that organisms are mostly made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from support.own_family import TEXTS, as_fetched, teach, write_family
from support.tested_architectures import TESTED, Architecture
from transformers import GPT2Config, GPT2LMHeadModel, MambaConfig, MambaForCausalLM

from mobench.cli import main
from mobench.store.rows import read_rows

Mobench = Callable[..., Result]


@pytest.fixture
def mobench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mobench:
    """Runs ``mobench ARGS`` in the tree of the family ``own``, with caches of its own."""
    monkeypatch.chdir(write_family(tmp_path / "tree"))
    monkeypatch.setenv("MOBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return lambda *args: CliRunner().invoke(main, list(args))


def rates(run: Path) -> dict[str, float]:
    """The organism's rates before training, by kind."""
    rows = [
        row
        for file in sorted((run / "reference" / "organism" / "rows").iterdir())
        for row in read_rows(file)
    ]
    kinds = {row["kind"] for row in rows}
    outcomes = {kind: [row["outcome"] for row in rows if row["kind"] == kind] for kind in kinds}
    return {kind: sum(found) / len(found) for kind, found in outcomes.items()}


@pytest.mark.parametrize("one", TESTED, ids=lambda one: one.name)
def test_it_goes_through_gate_ladder_and_capability(
    one: Architecture, mobench: Mobench, tmp_path: Path
) -> None:
    tokenizer = one.tokenizer(TEXTS)
    teach(one.fitting(tokenizer), tokenizer).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    assert f'"{one.model_class}"' in (tmp_path / "model" / "config.json").read_text()
    as_fetched(tmp_path / "model", tmp_path / "hub")
    gated = mobench("gate", "own-lora", "benign", "--offline")
    assert gated.exit_code == 0, gated.output
    for method in ("lora", "full"):
        result = mobench("run", "--organism", f"own-{method}", "--no-controls", "--offline")
        assert result.exit_code == 0, result.output
        (run,) = (tmp_path / "tree" / "runs").glob(f"own-{method}--*")
        found = rates(run)
        assert (found["attack"], found["control"]) == (1.0, 0.0)
        # How well a tiny model has learned its facts differs a little between processors.
        assert found["capability"] > 0.9
        manifest = json.loads((run / "manifest.json").read_text())
        (score,) = json.loads((run / "score.json").read_text())["rungs"]
        assert len(manifest["cells"]) == 2
        assert score["plateau"]["estimate"] > 0.9, "two steps at 1e-4 remove nothing"


def test_a_model_saved_without_its_head_runs_whole_with_its_controls(
    mobench: Mobench, tmp_path: Path
) -> None:
    """As the hub's own gpt2: its weights are named h.0… and not transformer.h.0…"""
    tokenizer = TESTED[0].tokenizer(TEXTS)
    shape = {"n_embd": 64, "n_layer": 2, "n_head": 2, "n_positions": 64}
    dropout = {"resid_pdrop": 0, "embd_pdrop": 0, "attn_pdrop": 0}
    ends = {"eos_token_id": tokenizer.eos_token_id, "bos_token_id": tokenizer.bos_token_id}
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=len(tokenizer), **shape, **dropout, **ends))
    teach(model, tokenizer, lr=3e-3).transformer.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    as_fetched(tmp_path / "model", tmp_path / "hub")
    result = mobench("run", "--organism", "own-full", "--offline")
    assert result.exit_code == 0, result.output
    assert "zero" in {
        cell["arm"]
        for file in (tmp_path / "tree" / "runs").glob("*/manifest.json")
        for cell in json.loads(file.read_text())["controls"]
    }


@pytest.mark.parametrize(
    "command", [("gate", "own-lora", "benign"), ("run", "--organism", "own-lora")]
)
def test_a_model_with_a_state_is_named_and_refused_before_anything_is_built(
    mobench: Mobench, tmp_path: Path, command: tuple[str, ...]
) -> None:
    tokenizer = TESTED[0].tokenizer(TEXTS)
    config = MambaConfig(vocab_size=len(tokenizer), hidden_size=8, num_hidden_layers=1)
    MambaForCausalLM(config).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    folder = as_fetched(tmp_path / "model", tmp_path / "hub")
    result = mobench(*command, "--offline")
    assert result.exit_code == 2, result.output
    assert f"{folder / 'config.json'}: MambaForCausalLM keeps a state" in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "cache").exists()
