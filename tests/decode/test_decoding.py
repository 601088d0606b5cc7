"""Answers decoded here are those of transformers' own loop, with less work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
import torch
from support.tiny_models import VOCABULARY, gemma2, gemma3, gpt2, llama, mistral, qwen2, token_ids
from transformers import PreTrainedModel

from mobench.decode.decoding import decode
from mobench.lanes import FullLanes, LoraLanes

PAD, LONGEST = 0, 12
NEVER = VOCABULARY  # an end that no model says
Make = Callable[..., PreTrainedModel]


# At the cap itself all tokens would be equally likely.
gemma2_far_below_its_cap = partial(gemma2, final_logit_softcapping=1000.0)
MODELS = pytest.mark.parametrize(
    "make", [llama, gpt2, qwen2, mistral, gemma2_far_below_its_cap, gemma3]
)


def prompts(shared: int = 9) -> list[list[int]]:
    """Seven prompts of many lengths with a common beginning."""
    beginning = token_ids(1, shared, seed=5)[0].tolist() if shared else []
    rests = token_ids(7, 9, seed=6).tolist()
    return [beginning + rest[: 1 + (k * 4) % 9] for k, rest in enumerate(rests)]


def noisy(make: Make) -> PreTrainedModel:
    """Enough noise in the weights that answers differ; a tied head would only echo."""
    return make(noise=0.5, tie_word_embeddings=False)


def an_end(model: PreTrainedModel, asked: Sequence[Sequence[int]]) -> int:
    """A token that ends answers at as many different lengths as any."""
    told = theirs(model, asked, eos=NEVER)

    def lengths(token: int) -> int:
        return len({answer.index(token) if token in answer else LONGEST for answer in told})

    return max(range(VOCABULARY), key=lengths)


def theirs(model: PreTrainedModel, asked: Sequence[Sequence[int]], eos: int) -> list[list[int]]:
    """Each prompt alone, by transformers."""
    told = []
    for prompt in asked:
        ids = torch.tensor([list(prompt)])
        output = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            max_new_tokens=LONGEST,
            pad_token_id=PAD,
            eos_token_id=eos,
        )[0, ids.shape[1] :].tolist()
        told.append(output[: output.index(eos)] if eos in output else output)
    return told


def ours(model: Any, asked: Sequence[Sequence[int]], eos: int, **how: Any) -> list[list[list[int]]]:
    return decode(model, asked, pad=PAD, ends=[eos], max_new_tokens=LONGEST, **how)


@MODELS
@pytest.mark.parametrize("shared", [0, 9])
@pytest.mark.parametrize("share_prefix", [True, False])
def test_answers_are_those_of_transformers(make: Make, shared: int, share_prefix: bool) -> None:
    model, asked = noisy(make), prompts(shared)
    eos = an_end(model, asked)
    alone = theirs(model, asked, eos)
    assert ours(model, asked, eos, share_prefix=share_prefix) == [alone]
    assert len({len(answer) for answer in alone}) > 2, "some end early, some do not"


def stacks() -> list[LoraLanes | FullLanes]:
    lora = LoraLanes(noisy(llama), [0, 1, 2, 3], rank=4, alpha=8.0)
    full = FullLanes(noisy(llama), 4)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for layer in lora.layers.values():
            layer.b.copy_(torch.randn(layer.b.shape, generator=generator))
        for value in full.trainable().values():
            value.add_(torch.randn(value.shape, generator=generator) * 0.2)
    return [lora, full]


@pytest.mark.parametrize("kind", [0, 1], ids=["lora", "full"])
def test_lanes_that_end_at_different_times_answer_as_each_alone(kind: int) -> None:
    lanes, asked = stacks()[kind], prompts()
    # One lane is over after a word or two: its answers end with whatever they would begin with.
    with lanes.scope.using([2]):
        eos = Counter(answer[0] for answer in theirs(lanes.model, asked, NEVER)).most_common(1)[0][
            0
        ]
        asked = [
            prompt
            for prompt, answer in zip(asked, theirs(lanes.model, asked, eos), strict=True)
            if len(answer) < 3
        ]
    assert len(asked) > 1
    alone = []
    for lane in range(4):
        with lanes.scope.using([lane]):
            alone += ours(lanes.model, asked, eos, scope=lanes.scope)
            assert alone[-1] == theirs(lanes.model, asked, eos)
    assert len({max(map(len, answers)) for answers in alone}) > 1, "lanes end apart"
    assert ours(lanes.model, asked, eos, scope=lanes.scope) == alone
    with lanes.scope.using([3, 1]):
        assert ours(lanes.model, asked, eos, scope=lanes.scope) == [alone[3], alone[1]]
    assert lanes.scope.active == (0, 1, 2, 3)


class Counted:
    """A model that counts the token positions it is given."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.positions = 0
        model.register_forward_pre_hook(self._count, with_kwargs=True)

    def _count(self, _: Any, __: Any, given: dict[str, Any]) -> None:
        self.positions += given["input_ids"].numel()


def positions(asked: Sequence[Sequence[int]], eos: int = NEVER, **how: Any) -> int:
    model = noisy(llama)
    counted = Counted(model)
    ours(model, asked, eos, **how)
    return counted.positions


def distinct(asked: Sequence[Sequence[int]]) -> int:
    """Tokens that are read where no beginning is read twice, and nothing is padded."""
    return len({tuple(text[:n]) for text in asked for n in range(1, len(text) + 1)})


def test_a_common_beginning_is_read_once() -> None:
    asked = prompts()
    longest = max(map(len, asked))
    once, each = positions(asked), positions(asked, share_prefix=False)
    assert each - once == 7 * longest - distinct(asked)
    assert distinct(asked) <= 7 * (longest - 9) + 9


def test_rows_that_have_ended_leave_the_batch() -> None:
    asked = prompts()
    eos = an_end(noisy(llama), asked)
    answers = ours(noisy(llama), asked, eos)[0]
    read = distinct(asked)
    steps = positions(asked, eos) - read
    assert sum(map(len, answers)) - 7 <= steps < positions(asked) - read == 7 * (LONGEST - 1)


def test_an_answer_is_cut_where_it_is_settled_and_others_are_not() -> None:
    model, asked = noisy(llama), prompts()
    (whole,) = ours(model, asked, NEVER)
    wanted = next(answer for answer in whole if len(answer) > 5)[2]
    (cut,) = ours(model, asked, NEVER, settled=lambda tokens: wanted in tokens)
    for short, full in zip(cut, whole, strict=True):
        assert short == (full[: full.index(wanted) + 1] if wanted in full else full)
    assert cut != whole
