"""Many texts read as one: every token that several of them begin with is computed once.

The texts' tokens form a tree, since two texts that begin alike share a path. Its nodes go through
the model as one row, each at its own depth and seeing only the nodes above it, so that no padding
and no beginning is computed twice (tree attention: Miao et al. 2024, SpecInfer, arXiv 2305.09781).
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache

TOKENS_TOGETHER = 256
"""Tokens of a tree that holds more than one text, at most. Attention grows with their square."""


@dataclass(frozen=True)
class TokenTree:
    """Texts as a tree of tokens, parents before their children.

    Attributes:
        tokens: Token id of each node.
        parents: Node above each node; -1 for a text's first token.
        depths: How many nodes are above it.
        paths: For each text the nodes of its tokens, in order.
    """

    tokens: tuple[int, ...]
    parents: tuple[int, ...]
    depths: tuple[int, ...]
    paths: tuple[tuple[int, ...], ...]


def token_tree(texts: Sequence[Sequence[int]]) -> TokenTree:
    """Puts texts together where they begin alike.

    Args:
        texts: Token ids of each text.
    """
    nodes: dict[tuple[int, int], int] = {}
    depths: list[int] = []
    paths = []
    for text in texts:
        above, path = -1, []
        for depth, token in enumerate(text):
            node = nodes.setdefault((above, token), len(nodes))
            if node == len(depths):
                depths.append(depth)
            path.append(node)
            above = node
        paths.append(tuple(path))
    parents, tokens = zip(*nodes, strict=True) if nodes else ((), ())
    return TokenTree(tokens, parents, tuple(depths), tuple(paths))


def tree_groups(texts: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Yields the numbers of texts that are read together, those that begin alike side by side.

    Args:
        texts: Token ids of each text.
    """
    group: list[int] = []
    tokens = 0
    before: Sequence[int] = ()
    for number in sorted(range(len(texts)), key=lambda n: tuple(texts[n])):
        text = texts[number]
        pairs = enumerate(zip(text, before, strict=False))
        common = next((n for n, (a, b) in pairs if a != b), min(len(text), len(before)))
        if group and tokens + len(text) - common > TOKENS_TOGETHER:
            yield group
            group, tokens, common = [], 0, 0
        group.append(number)
        tokens += len(text) - common
        before = text
    if group:
        yield group


def can_read_trees(model: Any) -> bool:
    """Whether a model reads trees: sees the tokens that it is told to, at the places it is told.

    One whose layers see the last few tokens only would count the wrong ones; one that is not told
    positions, or has an attention of its own, may take no heed of what it is told. An accelerator
    reads a padded batch as fast, so that only a CPU is given trees.
    """
    accepted = inspect.signature(model.forward).parameters
    told = {"position_ids", "logits_to_keep", "attention_mask"} <= accepted.keys()
    dense = model.config._attn_implementation in ("sdpa", "eager")
    sliding = any(DynamicCache(config=model.config).is_sliding)
    return bool(model.device.type == "cpu" and told and dense and not sliding)


@torch.inference_mode()
def read_tree(
    model: Any,
    tree: TokenTree,
    wanted: Sequence[int],
    *,
    lanes: int = 1,
    cache: DynamicCache | None = None,
) -> torch.Tensor:
    """Returns a model's logits [lanes, wanted, vocabulary] after each wanted node.

    Args:
        model: A Hugging Face causal LM for which :func:`can_read_trees` holds.
        tree: The texts.
        wanted: Nodes of it.
        lanes: Lanes in use, each of which reads the tree.
        cache: Takes the keys and values of all nodes.
    """
    sees = torch.zeros(len(tree.tokens), len(tree.tokens), dtype=torch.bool)
    for node, parent in enumerate(tree.parents):
        if parent >= 0:
            sees[node] = sees[parent]
        sees[node, node] = True
    hidden = torch.finfo(model.dtype).min
    mask = torch.zeros(sees.shape, dtype=model.dtype).masked_fill_(~sees, hidden)
    logits: torch.Tensor = model(
        input_ids=torch.tensor([tree.tokens] * lanes),
        position_ids=torch.tensor([tree.depths] * lanes),
        attention_mask=mask.expand(lanes, 1, *mask.shape),
        logits_to_keep=torch.tensor(wanted),
        past_key_values=cache,
        use_cache=cache is not None,
    ).logits
    return logits


def read_texts(
    model: Any, texts: Sequence[Sequence[int]], lanes: int
) -> tuple[torch.Tensor, DynamicCache, torch.Tensor]:
    """Reads texts by trees, and lays them out as if each had been read in a row of its own.

    Args:
        model: A Hugging Face causal LM for which :func:`can_read_trees` holds.
        texts: Token ids of each text, none of them empty.
        lanes: Lanes in use, each of which reads all texts.

    Returns:
        The logits after each text [rows, vocabulary], the cache, and the mask [rows, tokens]. Rows
        go lane by lane, and texts end in the same column: shorter ones have padding before them.
    """
    longest = max(map(len, texts))
    last: list[torch.Tensor] = [torch.empty(0)] * len(texts)
    kept: list[tuple[torch.Tensor, torch.Tensor]] = []
    for group in tree_groups(texts):
        # 1. Read a tree.
        tree, cache = token_tree([texts[n] for n in group]), DynamicCache(config=model.config)
        ends = [path[-1] for path in tree.paths]
        logits = read_tree(model, tree, ends, lanes=lanes, cache=cache)
        for place, number in enumerate(group):
            last[number] = logits[:, place]
        # 2. Copy what each text's nodes left to the text's own row, at the end of it.
        nodes = torch.tensor([[0] * (longest - len(path)) + list(path) for path in tree.paths])
        for n, layer in enumerate(cache.layers):
            both = layer.keys, layer.values
            if n == len(kept):
                shapes = [(lanes, len(texts), of.shape[1], longest, of.shape[3]) for of in both]
                kept.append((both[0].new_empty(shapes[0]), both[1].new_empty(shapes[1])))
            for row, of in zip(kept[n], both, strict=True):
                row[:, group] = of[:, :, nodes].transpose(1, 2)
    # 3. Put the lanes' rows one below the other.
    whole = DynamicCache(config=model.config)
    for n, (keys, values) in enumerate(kept):
        whole.update(keys.flatten(0, 1), values.flatten(0, 1), n)
    mask = torch.tensor([[0] * (longest - len(text)) + [1] * len(text) for text in texts])
    return torch.stack(last, dim=1).flatten(0, 1), whole, mask.repeat(lanes, 1)
