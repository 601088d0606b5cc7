"""Adapters, tokenizers and clean bases from the hub, against the stand-in on the loopback."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.hub_asked import ask
from support.hub_organisms import files_only, random_adapter, save, tiny_model, word_tokenizer
from support.hub_standin import Hub

from mobench.assemble.hub.base import hub_base
from mobench.assemble.hub.parts import MODEL, adapter_part, hub_sources
from mobench.assemble.hub.snapshot import fetch
from mobench.errors import MobenchError
from mobench.progress import Progress
from mobench.registry import OrganismSpec, collect
from mobench.registry.weights_schema import HubBase, HubTokenizer

REPOSITORY = Path(__file__).parents[2]
REPO = "bcywinski/gemma-2-9b-it-taboo-gold"
BASE = "google/gemma-2-9b-it"
TEMPLATE = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
ADAPTER = {"adapter_config.json", "adapter_model.safetensors"}


@pytest.fixture(scope="module")
def spec() -> OrganismSpec:
    return collect(REPOSITORY).organism("secret-taboo-gold")


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tokenizer = word_tokenizer(["a", "b"], TEMPLATE)
    return save(tmp_path_factory.mktemp("model") / "model", tiny_model(8), tokenizer)


@pytest.fixture(scope="module")
def adapter_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter, its README, a training state, and another adapter in a folder of its own."""
    folder = tmp_path_factory.mktemp("adapter")
    random_adapter(tiny_model(8), folder)
    random_adapter(tiny_model(8), folder / "runs" / "second", seed=1)
    files_only(folder / "checkpoint-8", ["adapter_model.safetensors", "optimizer.pt"])
    (folder / "training_args.bin").write_bytes(b"a pickle")
    return folder


def check(spec: OrganismSpec) -> None:
    ask(spec.name, hub_sources(spec))


def test_an_adapter_alone_is_fetched_with_its_commit(hub: Hub, adapter_folder: Path) -> None:
    served = hub.add(REPO, adapter_folder)
    folder, commit = fetch(REPO, "main", adapter_part(None))
    assert commit == served
    assert hub.fetched == ADAPTER == {p.name for p in folder.iterdir() if p.is_file()}
    for name in ADAPTER:
        assert (folder / name).read_bytes() == (adapter_folder / name).read_bytes()


def test_an_adapter_in_a_folder_is_fetched_without_its_neighbors(
    hub: Hub, adapter_folder: Path
) -> None:
    served = hub.add(REPO, adapter_folder)
    folder, commit = fetch(REPO, "main", adapter_part("runs/second"))
    assert commit == served
    assert hub.fetched == {f"runs/second/{name}" for name in ADAPTER}
    name = "adapter_model.safetensors"
    assert (folder / name).read_bytes() == (adapter_folder / "runs/second" / name).read_bytes()


def test_a_fetched_adapter_needs_no_network(hub: Hub, adapter_folder: Path) -> None:
    hub.add(REPO, adapter_folder)
    first = fetch(REPO, "main", adapter_part("runs/second"))
    hub.requests.clear()
    again = fetch(REPO, "main", adapter_part("runs/second"), offline=True)
    assert again == first
    assert hub.requests == []
    with pytest.raises(MobenchError, match=r"adapter_config.json is missing") as caught:
        fetch(REPO, "main", adapter_part(None), offline=True)
    assert "The adapter in" in caught.value.fact


@pytest.mark.parametrize(
    ("files", "folder", "says"),
    [
        (["adapter_config.json", "adapter_model.bin"], None, "adapter as pickle only"),
        (["a/adapter_config.json", "a/adapter_model.bin"], "a", "/a has its adapter as pickle"),
        (["config.json", "model.safetensors"], None, "holds a whole model's weights"),
        (["a/adapter_config.json", "a/adapter_model.safetensors"], None, "has no adapter_config"),
        (["README.md"], "a", "/a has no adapter_config.json"),
    ],
)
def test_what_is_no_adapter_is_refused_before_anything_is_downloaded(
    files: list[str], folder: str | None, says: str, hub: Hub, tmp_path: Path
) -> None:
    hub.add(REPO, files_only(tmp_path / "source", files))
    with pytest.raises(MobenchError, match=says) as caught:
        fetch(REPO, "main", adapter_part(folder))
    assert caught.value.remedy
    assert hub.fetched == set()


def test_an_adapter_named_as_a_base_says_where_it_belongs(hub: Hub, adapter_folder: Path) -> None:
    hub.add(REPO, adapter_folder)
    with pytest.raises(MobenchError, match="holds a LoRA adapter") as caught:
        fetch(REPO, "main", MODEL)
    assert "`adapter` table" in caught.value.remedy


def test_a_half_downloaded_adapter_is_told_and_goes_on(hub: Hub, adapter_folder: Path) -> None:
    hub.add(REPO, adapter_folder)
    hub.broken = "adapter_model.safetensors"
    with pytest.raises(MobenchError, match="no usable answer"):
        fetch(REPO, "main", adapter_part(None))
    hub.broken = ""
    assert fetch(REPO, "main", adapter_part(None))[0].is_dir()


def test_base_and_adapter_are_both_asked_about_and_all_that_lacks_is_told(
    hub: Hub, model_folder: Path, adapter_folder: Path, spec: OrganismSpec
) -> None:
    with pytest.raises(MobenchError, match="2 things are missing") as caught:
        check(spec)
    assert f"has no repository {BASE}" in str(caught.value)
    assert f"has no repository {REPO}" in str(caught.value)
    hub.add(BASE, model_folder, gated=True)
    with pytest.raises(MobenchError, match=f"{BASE} is gated.*HTTP 401"):
        check(spec)
    hub.repositories[BASE].gated = False
    with pytest.raises(MobenchError, match="1 thing is missing") as caught:
        check(spec)
    assert "\n  adapter\n" in str(caught.value)
    hub.add(REPO, adapter_folder, "other")
    with pytest.raises(MobenchError, match=f"{REPO} has no revision 'main'"):
        check(spec)
    hub.add(REPO, adapter_folder)
    check(spec)
    assert hub.fetched == set()


def test_a_clean_base_is_asked_about_too(hub: Hub, model_folder: Path, spec: OrganismSpec) -> None:
    changes = {
        "base": HubBase(kind="hub", repo="org/organism"),
        "clean_base": HubBase(kind="hub", repo="org/clean"),
        "adapter": None,
    }
    hub.add("org/organism", model_folder)
    with pytest.raises(MobenchError, match="has no repository org/clean") as caught:
        check(spec.model_copy(update=changes))
    assert "\n  clean base\n" in str(caught.value)
    hub.add("org/clean", model_folder)
    check(spec.model_copy(update=changes))


def test_the_downloads_of_all_parts_have_to_fit_the_disk_together(
    hub: Hub, model_folder: Path, adapter_folder: Path, spec: OrganismSpec, tmp_path: Path
) -> None:
    hub.add(BASE, model_folder)
    hub.add(REPO, adapter_folder)
    free = shutil.disk_usage(tmp_path).free
    # Either fits alone.
    for name in ("config.json", "adapter_config.json"):
        hub.sizes[name] = free * 2 // 3
    with pytest.raises(MobenchError, match="make room"):
        check(spec)
    hub.sizes["adapter_config.json"] = free // 6
    check(spec)


def test_weights_and_tokenizer_of_two_repositories_make_one_folder(
    hub: Hub, model_folder: Path, tmp_path: Path
) -> None:
    """As locked-math-7b has it: its repository holds no tokenizer."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    bare = save(tmp_path / "bare", tiny_model(8), None)
    weights = hub.add("org/weights", bare)
    tokenizer = hub.add("org/tokenizer", model_folder)
    alone = HubBase(kind="hub", repo="org/weights")
    base = alone.model_copy(update={"tokenizer": HubTokenizer(repo="org/tokenizer")})
    with pytest.raises(MobenchError, match="the tokenizer is missing"):
        hub_base(alone, tmp_path / "cache", offline=False, progress=Progress(False))
    hub.fetched.clear()
    folder, facts = hub_base(base, tmp_path / "cache", offline=False, progress=Progress(False))
    assert facts == {
        "commit": weights,
        "tokenizer": {"repo": "org/tokenizer", "commit": tokenizer},
    }
    assert not any(name.endswith(".safetensors") for name in hub.fetched), "weights: here already"
    assert AutoModelForCausalLM.from_pretrained(folder).config.vocab_size == 8
    assert AutoTokenizer.from_pretrained(folder)("a b").input_ids == [3, 4]
    hub.requests.clear()
    offline = hub_base(base, tmp_path / "cache", offline=True, progress=Progress(False))
    assert offline == (folder, facts)
    assert hub.requests == []
