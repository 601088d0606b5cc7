"""What the compatibility gate asks the organism: the task's own prompts, and what it expects.

What was asked is kept beside the organism's rows before training, so it is asked once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from mobench.chat import encode_prompt
from mobench.decode.answers import MAX_ROWS, decode_by_length
from mobench.decode.batch_size import Rows
from mobench.lanes import Scope
from mobench.measure.judges import AnyJudge, Asked, verdicts
from mobench.plan.cells import examples_hash
from mobench.progress import Progress
from mobench.registry import Example, OrganismSpec, TaskDef
from mobench.score.compatibility import Compatibility, Outcome, compatibility
from mobench.store.atomic import write_json
from mobench.train.batches import IGNORED, Encoded, collate, encode
from mobench.train.losses import lane_losses

SCHEMA = "mobench.compatibility/1"
ASKED_AT_MOST = 200
"""Prompts that the organism is asked: where the clean rate is 0, more than 8 of so many fail."""
LOSS_ROWS = 32
"""Examples in a batch whose loss is taken, where memory allows."""


def check_task(
    organism: Callable[[], Any],
    tokenizer: Any,
    spec: OrganismSpec,
    judge: AnyJudge,
    examples: Sequence[Example],
    *,
    needs_reference: bool,
    task: TaskDef,
    clean_rate: float,
    reference: Path,
    progress: Progress,
) -> tuple[Compatibility, tuple[Example, ...]]:
    """Asks what was not asked before, and decides.

    Args:
        organism: Loads the organism; called only if it has to be asked.
        tokenizer: Its tokenizer.
        spec: Gives templates, trigger and the length of an answer.
        judge: The organism's behavior, or the model that judges it.
        examples: The task's examples.
        needs_reference: Whether the behavior compares an answer with the right one.
        task: Tells its policy, and whether it is registered as compatible.
        clean_rate: f, the rate of the clean base.
        reference: Folder of what the organism was asked before training.
        progress: Where progress is shown.

    Returns:
        What was found, and the examples to train on: all, but for those of the organism's own
        answers that show its behavior.
    """
    path = reference / f"compatibility-{examples_hash(examples)}.json"
    told = _kept(path)
    if told is None:
        told = _ask(organism(), tokenizer, spec, judge, examples, needs_reference, progress)
        write_json(path, told)
    on_policy = task.policy == "on-policy"
    found = compatibility(
        [example.prompt for example in examples],
        [example.response for example in examples],
        {one["example"]: (one["answer"], one["outcome"]) for one in told["own"]},
        told["targets"],
        spec.eval.trigger_in,
        clean_rate=clean_rate,
        declared=task.compatible,
        on_policy=on_policy,
        target_loss=told["target_loss"],
        own_loss=told["own_loss"],
    )
    shown = zip(examples, told["targets"], strict=True)
    return found, tuple(one for one, outcome in shown if not (on_policy and outcome))


def _kept(path: Path) -> dict[str, Any] | None:
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return told if told.get("schema") == SCHEMA else None


def _ask(
    model: Any,
    tokenizer: Any,
    spec: OrganismSpec,
    judge: AnyJudge,
    examples: Sequence[Example],
    needs_reference: bool,
    progress: Progress,
) -> dict[str, Any]:
    """The organism's answers to the task's prompts, all judgments, and the losses."""

    def judged(chosen: Sequence[Example], answers: Sequence[str]) -> list[Outcome]:
        able = [not needs_reference or example.reference is not None for example in chosen]
        told = iter(
            verdicts(
                judge,
                [
                    Asked(answer, example.prompt, example.reference)
                    for example, answer, can in zip(chosen, answers, able, strict=True)
                    if can
                ],
            )
        )
        outcomes = [next(told).outcome if can else None for can in able]
        return [None if outcome is None else int(outcome) for outcome in outcomes]

    numbers = evenly(len(examples), ASKED_AT_MOST)
    chosen = [examples[number] for number in numbers]
    prompts = [encode_prompt(tokenizer, spec.template, example.prompt) for example in chosen]

    def ask(rows: int) -> list[list[int]]:
        with progress.phase(f"{spec.name} answers the task's prompts", len(chosen)) as tick:
            return decode_by_length(
                model,
                prompts,
                pad=tokenizer.pad_token_id,
                eos=tokenizer.eos_token_id,
                max_new_tokens=spec.max_new_tokens,
                max_rows=rows,
                on_done=tick,
            )[0]

    tokens = Rows(MAX_ROWS, progress).fitting(ask)
    answers = [tokenizer.decode(mine, skip_special_tokens=True).strip() for mine in tokens]
    own = [
        # An answer that was cut has no end that could be expected.
        Encoded(tuple(p), (*t, *([tokenizer.eos_token_id] if len(t) < spec.max_new_tokens else [])))
        for p, t in zip(prompts, tokens, strict=True)
    ]
    batch = Rows(LOSS_ROWS, progress)

    def loss(of: str, expected: Sequence[Encoded]) -> float:
        def take(rows: int) -> float:
            with progress.phase(f"what {spec.name} expects: {of}", len(expected)) as tick:
                return loss_per_token(model, expected, tokenizer.pad_token_id, rows, tick)

        return batch.fitting(take)

    shown = encode(chosen, tokenizer, spec.template, spec.ladder.max_length)
    outcomes = judged(chosen, answers)
    return {
        "schema": SCHEMA,
        "own": [
            {"example": number, "outcome": outcome, "answer": answer}
            for number, outcome, answer in zip(numbers, outcomes, answers, strict=True)
        ],
        "targets": judged(examples, [example.response for example in examples]),
        "target_loss": loss("the targets", shown),
        "own_loss": loss("its own answers", own),
    }


def evenly(count: int, most: int) -> list[int]:
    """At most ``most`` numbers below ``count``, spread evenly."""
    if count <= most:
        return list(range(count))
    return [place * count // most for place in range(most)]


@dataclass
class _Plain:
    """A plain model as the only lane of a stack, to read losses from."""

    model: PreTrainedModel
    scope: Scope = field(default_factory=lambda: Scope(1))


@torch.no_grad()
def loss_per_token(
    model: PreTrainedModel,
    examples: Sequence[Encoded],
    pad: int,
    rows: int,
    on_done: Callable[[int], None] = lambda _: None,
) -> float:
    """Mean negative log-likelihood of the answers' tokens, in nats.

    Args:
        model: A causal LM; its weights are frozen.
        examples: At least one.
        pad: Token id to pad with.
        rows: Examples in a batch.
        on_done: Called with the number of examples just read.
    """
    lane = _Plain(model.requires_grad_(False))
    ordered = sorted(examples, key=lambda example: len(example.prompt) + len(example.response))
    nats, tokens = 0.0, 0
    for start in range(0, len(ordered), rows):
        batch = ordered[start : start + rows]
        ids, labels, shortest = collate(batch, pad)
        counted = int((labels[:, 1:] != IGNORED).sum())
        device = model.device
        mean = lane_losses(lane, ids.to(device), labels.to(device), shortest)
        nats += float(mean[0]) * counted
        tokens += counted
        on_done(len(batch))
    return nats / tokens
