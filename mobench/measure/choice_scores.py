"""lm-eval's choices scored by reading what questions and choices have in common once.

lm-eval reads every question anew for each choice of more than one token, pads the questions of a
batch, and computes the next token's probabilities at every place. The scores are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mobench.decode.token_tree import (
    TOKENS_TOGETHER,
    TokenTree,
    can_read_trees,
    read_tree,
    token_tree,
    tree_groups,
)

Asked = tuple[tuple[str, str], list[int], list[int]]
"""One request of lm-eval's: its texts, and the tokens of context and continuation."""


def score_choices_together(asked: Any) -> None:
    """Makes lm-eval's wrapper of a model score continuations by trees of tokens.

    A model that reads no trees is left to lm-eval, as are texts that are too long for one.

    Args:
        asked: An ``lm_eval.models.huggingface.HFLM``; changed.
    """
    if not can_read_trees(asked.model):
        return
    by_lm_eval = asked._loglikelihood_tokens

    def _loglikelihood_tokens(
        requests: Sequence[Asked], *args: Any, **more: Any
    ) -> list[tuple[float, bool]]:
        scores: list[tuple[float, bool]] = [(0.0, False)] * len(requests)
        texts = [[*context, *continuation][:-1] for _, context, continuation in requests]
        short = [n for n, text in enumerate(texts) if len(text) <= _longest(asked)]
        for group in tree_groups([texts[n] for n in short]):
            numbers = [short[place] for place in group]
            tree = token_tree([texts[n] for n in numbers])
            lengths = [len(requests[n][2]) for n in numbers]
            found = _scores(asked.model, tree, [requests[n][2] for n in numbers], lengths)
            for number, score in zip(numbers, found, strict=True):
                scores[number] = score
        left = sorted(set(range(len(requests))) - set(short))
        told = by_lm_eval([requests[n] for n in left], *args, **more) if left else []
        for number, score in zip(left, told, strict=True):
            scores[number] = score
        return scores

    asked._loglikelihood_tokens = _loglikelihood_tokens


def _longest(asked: Any) -> int:
    """Tokens of the longest text that is read in a tree."""
    return min(TOKENS_TOGETHER, int(asked.max_length))


def _scores(
    model: Any, tree: TokenTree, continuations: Sequence[Sequence[int]], lengths: Sequence[int]
) -> list[tuple[float, bool]]:
    """Log-probability of each continuation, and whether each token of it is the likeliest."""
    import torch

    # The nodes that predict a continuation's tokens, each of them once.
    predicting = [path[-length:] for path, length in zip(tree.paths, lengths, strict=True)]
    wanted = sorted({node for nodes in predicting for node in nodes})
    logits = read_tree(model, tree, wanted)[0]
    row_of = {node: row for row, node in enumerate(wanted)}
    likely = torch.log_softmax(logits, dim=-1)
    best = logits.argmax(-1)
    scores = []
    for nodes, tokens in zip(predicting, continuations, strict=True):
        rows, columns = torch.tensor([row_of[n] for n in nodes]), torch.tensor(tokens)
        total = float(likely[rows, columns].sum())
        scores.append((total, bool((best[rows] == columns).all())))
    return scores
