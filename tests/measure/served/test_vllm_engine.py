"""What vLLM answers under an adapter is what the adapter answers."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from support.questions import CHAT, PLAIN
from support.served_model import TOKENIZER, Served, fresh, save
from support.tiny_models import token_ids

from mobench.chat import ChatFormat
from mobench.decode.decoding import decode
from mobench.lanes import FullLanes
from mobench.measure.capability_rows import measure_capability

EOS, LONGEST = 1, 12


def prompts() -> list[list[int]]:
    return [row[: 3 + number % 6] for number, row in enumerate(token_ids(9, 9, seed=6).tolist())]


def theirs(model: torch.nn.Module, scope: object = None, **how: object) -> list[list[list[int]]]:
    return decode(
        model,
        prompts(),
        pad=0,
        ends=[EOS],
        max_new_tokens=LONGEST,
        scope=scope,
        **how,  # type: ignore[arg-type]
    )


def test_every_adapter_s_greedy_answers_are_its_own(served: Served) -> None:
    """More adapters than share a batch, and the plain model among them."""
    asked = [served.adapters[0], None, *served.adapters[1:]]
    told = served.engine.answer(prompts(), asked, ends=[EOS], max_new_tokens=LONGEST)
    packed = theirs(served.lanes.model, served.lanes.scope)
    (plain,) = theirs(fresh())
    assert told == [packed[0], plain, *packed[1:]]
    flat = [tuple(answer) for mine in told for answer in mine]
    assert len(set(flat)) > 25, "answers differ by prompt and by adapter"
    assert len({len(answer) for answer in flat}) > 3, "some ended by themselves"


def test_log_probabilities_are_the_adapter_s_own(served: Served) -> None:
    prompt = prompts()[5]
    told = torch.tensor(served.engine.log_probabilities(prompt, [None, *served.adapters]))
    ids = torch.tensor([prompt])
    with torch.inference_mode():
        plain = fresh()(input_ids=ids).logits
        packed = served.lanes.model(input_ids=ids.repeat(3, 1)).logits
    logits = torch.cat([plain, packed]).log_softmax(-1)[:, :-1]
    right = logits.gather(-1, ids[:, 1:, None].repeat(4, 1, 1))[..., 0]
    assert told == pytest.approx(right.numpy(), abs=1e-4)
    assert (right[1:] - right[0]).abs().max() > 0.1, "an adapter shows"


@pytest.mark.parametrize("tasks", [PLAIN, CHAT], ids=["plain", "chat"])
def test_lm_eval_s_scores_are_those_of_the_hugging_face_model(
    served: Served, folder: Path, tasks: list[object]
) -> None:
    """Question by question, for the plain model and for two adapters."""
    plain = [asdict(task) for task in tasks]  # type: ignore[call-overload]
    seen = []
    for lane in (None, 0, 2):
        adapter = None if lane is None else served.adapters[lane]
        told = served.engine.capability(adapter, plain, folder)
        model = fresh() if lane is None else served.lanes.model
        with served.lanes.scope.using([lane or 0]):
            right = measure_capability(
                model,
                ChatFormat(TOKENIZER, "chat"),
                tasks,
                include_path=folder,
                batch_size=8,  # type: ignore[arg-type]
            )
        assert told == right
        seen.append([row["answer"] for row in told])
    assert len(set(map(tuple, seen))) == 3, "each answers in its own way"


def test_other_weights_take_the_place_of_the_served_ones(served: Served, tmp_path: Path) -> None:
    """Under adapters too, with nothing of the old weights left in a cache; and back again."""

    def ask(adapters: list[object]) -> list[list[list[int]]]:
        return served.engine.answer(
            prompts(),
            adapters,
            ends=[EOS],
            max_new_tokens=LONGEST,  # type: ignore[arg-type]
        )

    before = ask([None, served.adapters[1]])
    other = fresh(initializer_range=0.3)
    with torch.no_grad():
        for weight in other.parameters():
            weight.add_(
                0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
            )
    served.engine.swap(save(other, tmp_path / "other"))
    (right,) = theirs(other)
    assert ask([None]) == [right]
    assert [right] != before[:1]
    assert ask([served.adapters[1]]) != before[1:]
    served.engine.swap(served.folder)
    assert ask([None, served.adapters[1]]) == before


def test_a_checkpoint_of_whole_weights_is_swapped_in(served: Served, tmp_path: Path) -> None:
    """As a full run keeps it: no tokenizer beside it."""
    from mobench.lanes import saved_config
    from mobench.store import CellFolder

    lanes = FullLanes(fresh(), 1)
    with torch.no_grad():
        for value in lanes.trainable().values():
            value.mul_(1.3)
    cell = CellFolder(tmp_path)
    cell.keep_adapter(2, lanes.state(0), saved_config(lanes))
    served.engine.swap(cell.adapter(2))
    told = served.engine.answer(prompts(), [None], ends=[EOS], max_new_tokens=LONGEST)
    served.engine.swap(served.folder)
    assert told == theirs(lanes.model, lanes.scope)
