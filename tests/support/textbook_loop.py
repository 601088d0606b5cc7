"""Training as a textbook writes it: one plain model, PEFT's adapter, torch's optimizer."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, set_peft_model_state_dict
from torch.nn import functional
from transformers import PreTrainedModel

from mobench.train.batches import IGNORED, Encoded, collate, order
from mobench.train.pack import Recipe, Run
from support.tiny_models import VOCABULARY, relative

RANK, ALPHA, PAD = 4, 8.0, 0
Weights = dict[str, torch.Tensor]
Rows = Callable[[list[int]], list[int]]
Scheduler = Callable[[torch.optim.Optimizer], Any]


def made_up_examples(longest_prompt: int = 7, longest_answer: int = 5) -> list[Encoded]:
    """Prompts and answers of many lengths."""
    draw = random.Random(0)

    def tokens(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw.randrange(5, VOCABULARY) for _ in range(draw.randint(low, high)))

    return [Encoded(tokens(2, longest_prompt), (*tokens(1, longest_answer), 1)) for _ in range(18)]


EXAMPLES = made_up_examples()


def apart(mine: Mapping[str, torch.Tensor], reference: Mapping[str, torch.Tensor]) -> float:
    """The largest relative distance among tensors of the same name."""
    assert mine.keys() == reference.keys()
    return max(relative(mine[name], reference[name]) for name in reference)


def typically_apart(
    mine: Mapping[str, torch.Tensor], reference: Mapping[str, torch.Tensor]
) -> float:
    """The median relative distance among tensors of the same name."""
    return median(relative(mine[name], reference[name]) for name in reference)


def in_peft(
    model: PreTrainedModel,
    start: Weights,
    dtype: torch.dtype = torch.float32,
    *,
    rank: int = RANK,
    alpha: float = ALPHA,
    targets: str | list[str] = "all-linear",
) -> PeftModel:
    """The model with a LoRA that starts as ``start``, its adapter in ``dtype``."""
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=targets, task_type="CAUSAL_LM")
    peft = get_peft_model(model, config)
    for name, value in peft.named_parameters():
        if "lora_" in name:
            value.data = value.data.to(dtype)
    set_peft_model_state_dict(peft, start)
    return peft.eval()


def train_alone(
    model: torch.nn.Module,
    run: Run,
    recipe: Recipe,
    examples: Sequence[Encoded] = EXAMPLES,
    rows: Rows = lambda batch: batch,
    *,
    scheduler: Scheduler | None = None,
    **settings: Any,
) -> list[float]:
    """Trains one model in place.

    Args:
        model: What requires a gradient is trained.
        run: Learning rate and seed.
        recipe: Steps, batch size, clipping.
        examples: The task's.
        rows: May put a batch's examples in another order.
        scheduler: Makes the scheduler of the optimizer; None for a constant rate.
        settings: The optimizer's, other than the rate. Norms and biases do not decay.

    Returns:
        The loss of each step.
    """
    weights = [p for p in model.parameters() if p.requires_grad]
    matrices = [p for p in weights if p.ndim > 1]
    vectors = [p for p in weights if p.ndim < 2]
    decay = settings.pop("weight_decay", 0.0)
    optimizer = torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=run.lr,
        **settings,
    )
    schedule = None if scheduler is None else scheduler(optimizer)
    batches = order(run.seed, len(examples), recipe.batch_size)
    losses = []
    for _ in range(recipe.steps):
        ids, labels, _ = collate([examples[number] for number in rows(next(batches))], PAD)
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[:, :-1]
        loss = functional.cross_entropy(
            logits.to(torch.promote_types(logits.dtype, torch.float32)).flatten(0, 1),
            labels[:, 1:].flatten(),
            ignore_index=IGNORED,
        )
        optimizer.zero_grad()
        loss.backward()
        if recipe.max_norm is not None:
            torch.nn.utils.clip_grad_norm_(weights, recipe.max_norm)
        optimizer.step()
        if schedule is not None:
            schedule.step()
        losses.append(loss.item())
    return losses
