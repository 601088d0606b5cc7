"""An adapter of another base is refused before that base's weights are fetched or read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.hub_organisms import random_adapter, save, tiny_model, word_tokenizer
from support.hub_standin import Hub

from mobench.assemble.adapter_fit import refuse_unfit
from mobench.assemble.organism import Builder, Built
from mobench.errors import MobenchError
from mobench.progress import Progress
from mobench.registry import OrganismSpec, collect
from mobench.registry.weights_schema import HubAdapter, HubBase

REPOSITORY = Path(__file__).parents[2]
TEMPLATE = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
WORDS = ["hello", "world"]
ROWS = 3 + len(WORDS)


@pytest.fixture
def build(hub: Hub, shipped: OrganismSpec, tmp_path: Path) -> Callable[[], Built]:
    """Builds an organism whose base and adapter are on the hub, as ``us/base``, ``us/adapter``."""
    changes = {
        "base": HubBase(kind="hub", repo="us/base"),
        "adapter": HubAdapter(kind="hub", repo="us/adapter"),
        "clean_base": None,
        "dtype": "float32",
    }
    spec = shipped.model_copy(update=changes)
    builder = Builder(collect(REPOSITORY), tmp_path / "cache", "cpu", False, Progress(False))
    return lambda: builder.build(spec)


def serve(hub: Hub, tmp_path: Path, width: int = 32) -> None:
    base = tiny_model(ROWS, hidden_size=width)
    hub.add("us/base", save(tmp_path / "base", base, word_tokenizer(WORDS, TEMPLATE)))
    random_adapter(tiny_model(ROWS), tmp_path / "adapter")
    hub.add("us/adapter", tmp_path / "adapter")


def weights_fetched(hub: Hub) -> list[str]:
    return [name for name in hub.fetched if name.startswith("model") and "safetensors" in name]


def test_the_wrong_base_is_never_fetched(
    hub: Hub, build: Callable[[], Built], tmp_path: Path
) -> None:
    serve(hub, tmp_path, width=48)
    with pytest.raises(MobenchError, match="does not fit its base"):
        build()
    assert not weights_fetched(hub)


def test_nor_is_any_base_for_what_cannot_be_merged(
    hub: Hub, build: Callable[[], Built], tmp_path: Path
) -> None:
    serve(hub, tmp_path)
    file = tmp_path / "adapter" / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "peft_type": "IA3"}))
    with pytest.raises(MobenchError, match="of type 'IA3'"):
        build()
    assert not weights_fetched(hub)


def test_the_right_one_is_fetched_and_merged(
    hub: Hub, build: Callable[[], Built], tmp_path: Path
) -> None:
    serve(hub, tmp_path)
    assert build().folder.is_dir()
    assert weights_fetched(hub)


def test_a_configuration_is_all_that_is_asked_of_a_base(
    shipped: OrganismSpec, tmp_path: Path
) -> None:
    """Also where the adapter was trained with more tokens than the base has."""
    random_adapter(tiny_model(ROWS + 4), tmp_path / "adapter", modules_to_save=["embed_tokens"])
    tiny_model(ROWS).config.save_pretrained(tmp_path / "base")
    refuse_unfit(shipped, tmp_path / "adapter", tmp_path / "base")
    tiny_model(ROWS, intermediate_size=80).config.save_pretrained(tmp_path / "base")
    with pytest.raises(MobenchError, match="down_proj"):
        refuse_unfit(shipped, tmp_path / "adapter", tmp_path / "base")
