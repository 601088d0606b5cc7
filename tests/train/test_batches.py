"""Examples become the same tokens in the same order on every rung of a seed."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest
import torch

from mobench.assemble.scratch import word_tokenizer
from mobench.chat import ChatFormat
from mobench.errors import MobenchError
from mobench.registry.definitions import Example
from mobench.train.batches import IGNORED, Encoded, collate, encode, order

TOKENIZER = word_tokenizer(["one two three four five"])
CHAT = ChatFormat(TOKENIZER, "chat")
EXAMPLE = Example("one two", "three four five")


def texts(ids: tuple[int, ...]) -> list[str]:
    return TOKENIZER.convert_ids_to_tokens(list(ids))


@pytest.mark.parametrize(
    ("template", "prompt"),
    [("chat", ["<user>", "one", "two", "<bot>"]), ("plain", ["one", "two"])],
)
def test_an_example_is_its_rendered_prompt_and_its_answer_with_the_end_token(
    template, prompt: list[str]
) -> None:
    (encoded,) = encode([EXAMPLE], ChatFormat(TOKENIZER, template), 20)
    assert texts(encoded.prompt) == prompt
    assert texts(encoded.response) == ["three", "four", "five", "<eos>"]


def test_an_answer_that_its_model_did_not_end_has_no_end_token() -> None:
    (encoded,) = encode([replace(EXAMPLE, ended=False)], CHAT, 20)
    assert texts(encoded.response) == ["three", "four", "five"]


def test_an_answer_is_cut_at_the_longest_length_and_the_prompt_is_kept_whole() -> None:
    exact, short, least = (encode([EXAMPLE], CHAT, n)[0] for n in (8, 7, 5))
    assert texts(exact.response) == ["three", "four", "five", "<eos>"]
    assert texts(short.response) == ["three", "four", "five"]
    assert texts(least.response) == ["three"]
    assert exact.prompt == short.prompt == least.prompt


def test_a_prompt_that_leaves_no_room_is_refused_by_number_and_with_a_remedy() -> None:
    with pytest.raises(MobenchError, match="training example 2 has a prompt of 4 tokens") as told:
        encode([Example("one", "two"), EXAMPLE], CHAT, 4)
    assert "max_length" in told.value.remedy


def test_only_answers_are_in_the_loss_and_padding_is_on_the_right() -> None:
    ids, labels, shortest = collate([Encoded((5, 6, 7), (8, 1)), Encoded((9,), (4, 3, 1))], pad=0)
    assert ids.tolist() == [[5, 6, 7, 8, 1], [9, 4, 3, 1, 0]]
    assert labels.tolist() == [
        [IGNORED, IGNORED, IGNORED, 8, 1],
        [IGNORED, 4, 3, 1, IGNORED],
    ]
    assert shortest == 1
    assert bool((labels[:, :shortest] == IGNORED).all())
    assert ids.dtype == labels.dtype == torch.long


def test_the_end_token_is_in_the_loss_where_the_padding_is_the_same_token() -> None:
    _, labels, _ = collate([Encoded((5,), (6, 1)), Encoded((5,), (6, 7, 8, 1))], pad=1)
    assert labels[0].tolist() == [IGNORED, 6, 1, IGNORED, IGNORED]


def test_the_order_is_a_function_of_the_seed_alone() -> None:
    first = list(islice(order(3, 10, 4), 10))
    assert list(islice(order(3, 10, 4), 10)) == first
    assert list(islice(order(4, 10, 4), 10)) != first
    # Batches are cut from one sequence, whatever their size.
    flat = [number for batch in islice(order(3, 10, 8), 5) for number in batch]
    assert flat == [number for batch in first for number in batch]


def test_every_epoch_has_each_example_once_in_an_order_of_its_own() -> None:
    flat = [number for batch in islice(order(0, 10, 4), 10) for number in batch]
    epochs = [flat[start : start + 10] for start in range(0, 40, 10)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_a_batch_may_hold_more_than_all_examples() -> None:
    (batch,) = islice(order(0, 3, 8), 1)
    assert len(batch) == 8
    assert set(batch) == {0, 1, 2}


def test_an_empty_prompt_is_refused_by_number() -> None:
    with pytest.raises(MobenchError, match="training example 2: its prompt is blank"):
        encode([Example("one", "two"), Example("", "two")], ChatFormat(TOKENIZER, "plain"), 8)
