"""What lm-eval asks is computed once; answers and scores are those of lm-eval's own loop."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import torch
from support.questions import WORDS, outspoken
from support.tiny_models import mistral
from test_capability_rows import make_tokenizer

from mobench.chat import ChatFormat
from mobench.decode.token_tree import TOKENS_TOGETHER
from mobench.measure.choice_scores import score_choices_together
from mobench.measure.greedy_answers import answer_greedily
from mobench.quiet import quiet

GREEDY = {"until": ["w0", "w7 w3"], "max_gen_toks": 12, "do_sample": False}


class Watched:
    """A small model under lm-eval's wrapper, and how many tokens went through it."""

    def __init__(self, model: Any = None) -> None:
        from lm_eval.models.huggingface import HFLM

        model = outspoken(len(WORDS), 3) if model is None else model
        self.tokenizer = make_tokenizer()
        with quiet():
            self.asked = HFLM(pretrained=model, tokenizer=self.tokenizer, batch_size=8)
        self.tokens = 0
        model.get_input_embeddings().register_forward_pre_hook(self._count)

    def _count(self, _: Any, given: tuple[torch.Tensor]) -> None:
        self.tokens += given[0].numel()


def texts(count: int, seed: int = 0) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS[5:], k=rng.randint(1, 9))) for _ in range(count)]


def requests(*ways: dict[str, Any], count: int = 40) -> list[Any]:
    asked = enumerate(texts(count))
    return [SimpleNamespace(args=(text, dict(ways[n % len(ways)]))) for n, text in asked]


def test_answers_are_lm_eval_s_and_end_at_their_own_stop_strings() -> None:
    theirs, mine = Watched(), Watched()
    answer_greedily(mine.asked, ChatFormat(mine.tokenizer, "chat"), batch_size=8)
    ways = (GREEDY, {"until": [], "max_gen_toks": 4}, {**GREEDY, "max_gen_toks": 2})
    with quiet():
        expected = theirs.asked.generate_until(requests(*ways))
        found = mine.asked.generate_until(requests(*ways))
    assert found == expected
    assert len(set(found)) > 10
    assert mine.tokens < 0.9 * theirs.tokens


def test_what_is_sampled_is_left_to_lm_eval() -> None:
    theirs, mine = Watched(), Watched()
    answer_greedily(mine.asked, ChatFormat(mine.tokenizer, "chat"), batch_size=8)
    drawn = {"until": ["w0"], "max_gen_toks": 6, "do_sample": True, "temperature": 1.0}
    with quiet():
        torch.manual_seed(5)
        expected = theirs.asked.generate_until(requests(drawn))
        torch.manual_seed(5)
        assert mine.asked.generate_until(requests(drawn)) == expected
        # Beside a greedy request too, and each answer stands at its own question.
        mixed = mine.asked.generate_until(requests(drawn, GREEDY))
        greedy = theirs.asked.generate_until(requests(GREEDY))
    assert mixed[1::2] == greedy[1::2]
    assert mixed[::2] != greedy[::2]


def choices(count: int = 40) -> list[tuple[tuple[str, str], list[int], list[int]]]:
    """Four continuations of one to three tokens for each question, and one of a long text."""
    rng = random.Random(1)

    def some(least: int, most: int) -> list[int]:
        return [rng.randrange(5, len(WORDS)) for _ in range(rng.randint(least, most))]

    questions = [some(1, 3) + some(1, 9) for _ in range(count)]
    asked = [(("", f"{n}-{k}"), q, some(1, 3)) for n, q in enumerate(questions) for k in range(4)]
    long = some(TOKENS_TOGETHER, TOKENS_TOGETHER)
    return [*asked[:7], (("", "long"), long, some(2, 2)), *asked[7:]]


def test_choices_get_lm_eval_s_scores_and_what_they_share_is_read_once() -> None:
    theirs, mine = Watched(), Watched()
    score_choices_together(mine.asked)
    with quiet():
        expected = theirs.asked._loglikelihood_tokens(choices())
        found = mine.asked._loglikelihood_tokens(choices())
    assert len(found) == 161
    for (score, likeliest), (right, is_likeliest) in zip(found, expected, strict=True):
        assert abs(score - float(right)) < 1e-4
        assert likeliest == bool(is_likeliest)
    assert any(likeliest for _, likeliest in found)
    assert mine.tokens < 0.6 * theirs.tokens


def test_a_model_that_reads_no_trees_is_left_to_lm_eval() -> None:
    watched = Watched(mistral(dtype=torch.float32))
    score_choices_together(watched.asked)
    assert "_loglikelihood_tokens" not in vars(watched.asked)
