"""Texts that are read as one tree give each what it would have got alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from support import tiny_models

from mobench.decode.token_tree import can_read_trees, read_tree, token_tree
from mobench.lanes import LoraLanes

TEXTS = [
    (5, 6, 7),
    (5, 6, 8, 9, 10),
    (5, 6),
    (11,),
    (5, 6, 8, 9, 10),
    (11, 6, 7, 5, 6, 8),
]


def test_what_texts_begin_with_stands_in_the_tree_once() -> None:
    tree = token_tree(TEXTS)
    assert [tuple(tree.tokens[node] for node in path) for path in tree.paths] == TEXTS
    assert len(tree.tokens) == len({text[:n] for text in TEXTS for n in range(1, len(text) + 1)})
    assert all(parent < node for node, parent in enumerate(tree.parents))
    assert tree.paths[1] == tree.paths[4]
    assert [tree.depths[node] for node in tree.paths[5]] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "kind", [tiny_models.llama, tiny_models.qwen2, tiny_models.qwen3, tiny_models.gpt2]
)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_each_text_gets_the_logits_that_it_gets_alone(
    kind: Callable[[], Any], attention: str
) -> None:
    model = kind()
    model.set_attn_implementation(attention)
    assert can_read_trees(model)
    tree = token_tree(TEXTS)
    ends = [path[-1] for path in tree.paths]
    together = read_tree(model, tree, ends)[0]
    for text, logits in zip(TEXTS, together, strict=True):
        alone = model(torch.tensor([text])).logits[0, -1]
        assert torch.allclose(logits, alone, rtol=0, atol=1e-9)


def test_a_lane_in_use_reads_with_its_own_weights() -> None:
    lanes = LoraLanes(tiny_models.llama(), [0, 1], rank=4, alpha=8.0)
    with torch.no_grad():
        for layer in lanes.layers.values():
            layer.b.normal_(std=0.3, generator=torch.Generator().manual_seed(4))
    tree = token_tree(TEXTS)
    ends = [path[-1] for path in tree.paths]
    found = []
    for lane in (0, 1):
        with lanes.scope.using([lane]), torch.no_grad():
            found.append(read_tree(lanes.model, tree, ends)[0])
            alone = lanes.model(torch.tensor([TEXTS[1]])).logits[0, -1]
        assert torch.allclose(found[lane][1], alone, rtol=0, atol=1e-9)
    assert not torch.allclose(found[0], found[1], atol=1e-3)


@pytest.mark.parametrize("kind", [tiny_models.mistral, tiny_models.gemma2, tiny_models.gemma3])
def test_layers_that_see_the_last_few_tokens_only_read_no_trees(kind: Callable[[], Any]) -> None:
    assert not can_read_trees(kind())
