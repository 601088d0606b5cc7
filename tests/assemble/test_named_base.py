"""An adapter that names another base than its organism's file is refused before any download."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.hub_organisms import random_adapter, save, tiny_model, word_tokenizer
from support.hub_standin import Hub

from mobench.assemble.named_base import refuse_other_base
from mobench.assemble.organism import Builder, Built
from mobench.errors import MobenchError
from mobench.progress import Progress
from mobench.registry import OrganismSpec, collect
from mobench.registry.weights_schema import HubAdapter, HubBase, LocalAdapter, LocalBase

REPOSITORY = Path(__file__).parents[2]
TEMPLATE = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
WORDS = ["hello", "world"]
ROWS = 3 + len(WORDS)


def name_base(adapter: Path, named: object) -> None:
    """Has an adapter's configuration name a base."""
    file = adapter / "adapter_config.json"
    table = json.loads(file.read_text()) if file.is_file() else {}
    adapter.mkdir(exist_ok=True)
    file.write_text(json.dumps({**table, "base_model_name_or_path": named}))


def on_hub(shipped: OrganismSpec, repo: str, calls_base: str | None = None) -> OrganismSpec:
    adapter = HubAdapter(kind="hub", repo="us/adapter", calls_base=calls_base)
    base = HubBase(kind="hub", repo=repo)
    changes: dict[str, Any] = {"base": base, "adapter": adapter, "clean_base": None}
    return shipped.model_copy(update={**changes, "dtype": "float32"})


@pytest.mark.parametrize(
    ("repo", "named"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-8B"),
        ("Qwen/Qwen3-14B", "Qwen/Qwen3-14B-Base"),
        ("Qwen/Qwen3-14B", "/x/hub/models--Qwen--Qwen3-14B-Base/snapshots/0a1b/"),
        ("google/gemma-2-9b-it", "me/my-finetune"),
        ("us/hf", "us/other-hf"),
    ],
)
def test_another_model_is_refused_and_both_names_are_told(
    shipped: OrganismSpec, tmp_path: Path, repo: str, named: str
) -> None:
    name_base(tmp_path / "adapter", named)
    with pytest.raises(MobenchError) as caught:
        refuse_other_base(on_hub(shipped, repo), tmp_path / "adapter")
    assert f"was trained on {named}, and its base is {repo}" in caught.value.fact
    assert f'adapter.calls_base = "{named}"' in str(caught.value.remedy)

    refuse_other_base(on_hub(shipped, repo, calls_base=named), tmp_path / "adapter")


@pytest.mark.parametrize(
    ("repo", "named"),
    [
        ("Qwen/Qwen3-14B", "Qwen/Qwen3-14B"),
        ("Qwen/Qwen3-14B", "unsloth/qwen3-14b-unsloth-bnb-4bit"),
        ("Qwen/Qwen3-14B", "/x/hub/models--Qwen--Qwen3-14B/snapshots/0a1b"),
        ("meta-llama/Llama-3.1-8B-Instruct", "unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit"),
        ("meta-llama/Llama-2-7b-hf", "NousResearch/Llama-2-7b"),
        ("Qwen/Qwen3-14B", "/workspace/checkpoints/step-900"),
        ("Qwen/Qwen3-14B", "./merged"),
        ("Qwen/Qwen3-14B", ""),
        ("Qwen/Qwen3-14B", None),
        ("Qwen/Qwen3-14B", ["Qwen/Qwen3-14B-Base"]),
    ],
)
def test_the_same_model_by_another_name_or_one_that_tells_nothing_is_not(
    shipped: OrganismSpec, tmp_path: Path, repo: str, named: object
) -> None:
    name_base(tmp_path / "adapter", named)
    refuse_other_base(on_hub(shipped, repo), tmp_path / "adapter")


def test_nothing_of_the_base_is_fetched_for_an_adapter_of_another(
    hub: Hub, shipped: OrganismSpec, tmp_path: Path
) -> None:
    """Both have the same shape, so that nothing else could tell."""
    hub.add("us/base", save(tmp_path / "base", tiny_model(ROWS), word_tokenizer(WORDS, TEMPLATE)))
    random_adapter(tiny_model(ROWS), tmp_path / "adapter")
    name_base(tmp_path / "adapter", "us/base-chat")
    hub.add("us/adapter", tmp_path / "adapter")
    builder = Builder(collect(REPOSITORY), tmp_path / "cache", "cpu", False, Progress(False))

    with pytest.raises(MobenchError, match="us/base-chat, and its base is us/base"):
        builder.build(on_hub(shipped, "us/base"))
    assert not [name for name in hub.fetched if name.startswith(("model", "config"))]

    assert builder.build(on_hub(shipped, "us/base", "us/base-chat")).folder.is_dir()


@pytest.fixture
def build_local(shipped: OrganismSpec, tmp_path: Path) -> Callable[..., Built]:
    """Builds an organism of ``base`` and ``adapter``, beside which ``other`` has that shape."""
    for number, name in enumerate(("base", "other")):
        model = tiny_model(ROWS)
        model.get_input_embeddings().weight.data += number
        save(tmp_path / name, model, word_tokenizer(WORDS, TEMPLATE))
    random_adapter(tiny_model(ROWS), tmp_path / "adapter")
    builder = Builder(collect(REPOSITORY), tmp_path / "cache", "cpu", True, Progress(False))

    def build(calls_base: str | None = None) -> Built:
        changes = {
            "base": LocalBase(kind="local", path="base"),
            "adapter": LocalAdapter(kind="local", path="adapter", calls_base=calls_base),
            "clean_base": None,
            "dtype": "float32",
            "path": tmp_path / "organism.toml",
        }
        return builder.build(shipped.model_copy(update=changes))

    return build


def test_of_two_folders_here_the_weights_tell(
    build_local: Callable[..., Built], tmp_path: Path
) -> None:
    other = str(tmp_path / "other")
    name_base(tmp_path / "adapter", other)
    with pytest.raises(MobenchError, match="was trained on"):
        build_local()
    assert build_local(other).folder.is_dir()

    save(tmp_path / "other", tiny_model(ROWS), word_tokenizer(WORDS, TEMPLATE))
    assert build_local().folder.is_dir(), "a copy of the base"


def test_what_was_merged_before_is_refused_too(
    build_local: Callable[..., Built], tmp_path: Path
) -> None:
    """A merged organism in the cache does not stand for the question."""
    name_base(tmp_path / "adapter", str(tmp_path / "other"))
    build_local(str(tmp_path / "other"))
    with pytest.raises(MobenchError, match="was trained on"):
        build_local()
