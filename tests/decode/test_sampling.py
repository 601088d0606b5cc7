"""Answers that are drawn: the same ones in whatever batch, and as often as their chances say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.tiny_models import llama

from mobench.assemble.scratch import word_tokenizer
from mobench.chat import ChatFormat
from mobench.decode.answers import generate
from mobench.decode.sampling import Draws, Sampling, sampling_of, stream
from mobench.lanes import LoraLanes
from mobench.registry.organism_spec import Decoding

WORDS = [f"w{n}" for n in range(20)]
TOKENIZER = word_tokenizer(WORDS)
CHAT = ChatFormat(TOKENIZER, "chat")
PROMPTS = [" ".join(WORDS[n : n + 1 + n % 5]) for n in range(9)]


def drawn(model, prompts=PROMPTS, draws=None, **others) -> list[list[str]]:
    decoding = others.pop("decoding", Decoding(temperature=1.0, top_p=0.9, seed=3))
    sampling = sampling_of(
        decoding, [CHAT.prompt_ids(p) for p in prompts], draws or [0] * len(prompts)
    )
    return generate(model, CHAT, prompts, max_new_tokens=6, sampling=sampling, **others)


def test_an_answer_is_the_same_in_whatever_batch_lane_and_order() -> None:
    model = llama()
    alone = [drawn(model, [prompt])[0][0] for prompt in PROMPTS]
    assert len(set(alone)) > 6
    for max_rows in (1, 4, 512):
        assert drawn(model, max_rows=max_rows) == [alone]
    assert drawn(model, PROMPTS[::-1]) == [alone[::-1]]
    lanes = LoraLanes(llama(), [0, 1], rank=4, alpha=8.0)
    assert drawn(lanes.model, scope=lanes.scope) == [alone, alone]
    cut = drawn(model, settled=lambda answer: len(answer.split()) > 2)[0]
    assert all(whole.startswith(part) for whole, part in zip(alone, cut, strict=True))


def test_draws_and_seeds_give_other_answers_and_each_repeats_itself() -> None:
    model = llama()
    prompts, draws = [PROMPTS[0]] * 8, list(range(8))
    first = drawn(model, prompts, draws)
    assert len(set(first[0])) > 4
    assert drawn(model, prompts, draws) == first
    other = drawn(model, prompts, draws, decoding=Decoding(temperature=1.0, seed=4))
    assert other != first


def test_tokens_come_as_often_as_the_temperature_makes_them_likely() -> None:
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0])
    count, temperature = 4000, 2.0
    streams = tuple(stream(0, [7], draw) for draw in range(count))
    draws = Draws(Sampling(temperature, 1.0, streams), lanes=1)
    chosen = draws.next(logits.expand(count, 4), range(count)).numpy()
    shares = np.bincount(chosen, minlength=4) / count
    wanted = torch.softmax(logits / temperature, -1).numpy()
    # Four standard errors of a share.
    assert np.abs(shares - wanted).max() < 4 * 0.5 / count**0.5


@pytest.mark.parametrize(
    ("top_p", "allowed"), [(1e-6, {1}), (0.6, {1}), (0.7, {1, 3}), (1.0, {0, 1, 2, 3})]
)
def test_only_the_likeliest_tokens_that_make_up_the_share_are_drawn(top_p, allowed) -> None:
    logits = torch.log(torch.tensor([0.1, 0.62, 0.08, 0.2]))
    draws = Draws(Sampling(1.0, top_p, tuple(range(400))), lanes=1)
    assert set(draws.next(logits.expand(400, 4), range(400)).tolist()) == allowed


def test_without_the_table_answers_are_greedy() -> None:
    model = llama()
    assert sampling_of(None, [], []) is None
    cold = drawn(model, decoding=Decoding(temperature=1e-6))
    assert cold == generate(model, CHAT, PROMPTS, max_new_tokens=6)
