"""What the compatibility gate asks the organism: the task's prompts, and what it expects there.

The answers are kept beside the organism's rows before training, so the organism is asked once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mobench.chat import ChatFormat, Said
from mobench.decode.answers import MAX_ROWS, decode_by_length
from mobench.decode.batch_size import BatchSize, Kept
from mobench.decode.sampling import sampling_of
from mobench.measure.counted_answers import SaidAnswer, judge_counted
from mobench.measure.eval_suite import EvalSuite
from mobench.measure.token_loss import loss_per_token
from mobench.progress import Progress
from mobench.records.conversation import as_text
from mobench.records.examples import examples_hash
from mobench.records.gate import COMPATIBILITY_ANSWERS, CompatibilityAnswers
from mobench.records.names import COMPATIBILITY_SCHEMA
from mobench.registry import Example, TaskDef
from mobench.score.compatibility import Compatibility, Outcome, compatibility
from mobench.store.atomic import write_json
from mobench.store.cached import not_believed
from mobench.store.kept import KeptFiles
from mobench.train.batches import Encoded, encode

ASKED_AT_MOST = 200
"""Prompts that the organism is asked: where the clean rate is 0, more than 8 of so many fail."""
LOSS_ROWS = 32
"""Examples in a batch whose loss is taken, where memory allows."""


def check_task(
    organism: Callable[[], Any],
    suite: EvalSuite,
    examples: Sequence[Example],
    *,
    needs_reference: bool,
    task: TaskDef,
    clean_rate: float,
    cache: Path,
    progress: Progress,
) -> tuple[Compatibility, tuple[Example, ...]]:
    """Asks the organism what it was not asked before, and decides.

    Args:
        organism: Loads the organism; called only if it has to be asked.
        suite: Gives its tokenizer, its judge, templates, trigger and the length of an answer.
        examples: The task's examples.
        needs_reference: Whether the behavior compares an answer with the right one.
        task: Says its policy, and whether it is registered as compatible.
        clean_rate: f, the rate of the clean base.
        cache: Folder of what the organism was asked before training.
        progress: Where progress is shown.

    Returns:
        What was found, and the examples to train on: all, but for those of the organism's own
        answers that show its behavior.
    """
    path = cache / f"compatibility-{examples_hash(examples)}.json"
    answers = _read(path, len(examples), progress)
    if answers is None:
        answers = _ask(organism(), suite, examples, needs_reference, progress)
        write_json(path, answers)
        KeptFiles(cache).keep(path)
    on_policy = task.policy == "on-policy"
    found = compatibility(
        [as_text(example.prompt) for example in examples],
        [example.response for example in examples],
        {one["example"]: (one["answer"], one["outcome"]) for one in answers["own"]},
        answers["targets"],
        suite.spec.eval.trigger_in,
        clean_rate=clean_rate,
        declared=task.compatible,
        on_policy=on_policy,
        target_loss=answers["target_loss"],
        own_loss=answers["own_loss"],
    )
    judged = zip(examples, answers["targets"], strict=True)
    return found, tuple(example for example, outcome in judged if not (on_policy and outcome))


def _read(path: Path, examples: int, progress: Progress) -> CompatibilityAnswers | None:
    """What the organism was asked before; None where it was not, or by another schema.

    What is not as it was written, or not about so many examples, is asked again.
    """
    if not path.is_file():
        return None
    problem = KeptFiles(path.parent).fault(path)
    if problem is None:
        try:
            kept = COMPATIBILITY_ANSWERS.validate_json(path.read_bytes())
        except (OSError, ValueError):
            problem = "it cannot be read"
        else:
            if kept["schema"] != COMPATIBILITY_SCHEMA:
                return None
            asked = [one["example"] for one in kept["own"]]
            if asked == evenly(examples, ASKED_AT_MOST) and len(kept["targets"]) == examples:
                return kept
            problem = "it is not about these examples"
    not_believed(path, problem, progress.warn)
    return None


def _ask(
    model: Any,
    suite: EvalSuite,
    examples: Sequence[Example],
    needs_reference: bool,
    progress: Progress,
) -> CompatibilityAnswers:
    """The organism's answers to the task's prompts, all judgments, and the losses."""
    spec, chat = suite.spec, suite.chat

    # 1. Some of the task's prompts, spread evenly: what does the organism answer?
    numbers = evenly(len(examples), ASKED_AT_MOST)
    chosen = [examples[number] for number in numbers]
    prompts = [chat.prompt_ids(example.prompt) for example in chosen]
    # As eval prompts are answered, and once each: here more answers would only add to the cost.
    sampling = sampling_of(spec.decoding, prompts, [0] * len(prompts))

    kept: Kept = {}

    def answer(rows: int) -> list[list[int]]:
        with progress.phase(f"{spec.name} answers the task's prompts", len(chosen)) as tick:
            tick(len(kept))
            return decode_by_length(
                model,
                prompts,
                pad=chat.pad_id,
                ends=chat.end_ids,
                max_new_tokens=spec.max_new_tokens,
                max_rows=rows,
                sampling=sampling,
                kept=kept,
                on_done=tick,
            )[0]

    tokens = BatchSize(MAX_ROWS, progress).within_memory(answer)
    answers = [chat.decode(ids) for ids in tokens]

    # 2. Does the behavior show in those answers, or in what the task teaches?
    own = [chat.split(one.prompt, answer) for one, answer in zip(chosen, answers, strict=True)]
    own_outcomes = _judge(suite, chosen, own, needs_reference)
    targets_said = [_target(chat, example) for example in examples]
    target_outcomes = _judge(suite, examples, targets_said, needs_reference)

    # 3. How unexpected are the targets, beside the organism's own answers?
    batch = BatchSize(LOSS_ROWS, progress)

    def loss(of: str, expected: Sequence[Encoded]) -> float:
        def take(rows: int) -> float:
            with progress.phase(f"what {spec.name} expects: {of}", len(expected)) as tick:
                return loss_per_token(
                    model, expected, pad=chat.pad_id, batch_size=rows, on_done=tick
                )

        return batch.within_memory(take)

    targets = encode(chosen, chat, spec.ladder.max_length)
    target_loss = loss("the targets", targets)
    own_loss = loss("its own answers", _as_targets(prompts, tokens, suite))
    return {
        "schema": COMPATIBILITY_SCHEMA,
        "own": [
            {"example": number, "outcome": outcome, "answer": answer}
            for number, outcome, answer in zip(numbers, own_outcomes, answers, strict=True)
        ],
        "targets": target_outcomes,
        "target_loss": target_loss,
        "own_loss": own_loss,
    }


def _target(chat: ChatFormat, example: Example) -> Said:
    """What an example teaches, taken apart.

    It is trained on as the final answer, unless it has reasoning itself or was cut in the middle.
    """
    if example.ended:
        return chat.reasoning.split(example.response)
    return chat.split(example.prompt, example.response)


def _judge(
    suite: EvalSuite,
    examples: Sequence[Example],
    answers: Sequence[Said],
    needs_reference: bool,
) -> list[Outcome]:
    """Judges an answer to each example; None where a reference is needed and missing."""
    can_be_judged = [not needs_reference or example.reference is not None for example in examples]
    judged = iter(
        judge_counted(
            suite.judge,
            suite.spec.behavior.counts,
            [
                SaidAnswer(answer, as_text(example.prompt), example.reference)
                for example, answer, can in zip(examples, answers, can_be_judged, strict=True)
                if can
            ],
        )
    )
    outcomes = [next(judged).outcome if can else None for can in can_be_judged]
    return [None if outcome is None else int(outcome) for outcome in outcomes]


def _as_targets(
    prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]], suite: EvalSuite
) -> list[Encoded]:
    """The organism's own answers as if they were to be trained on."""
    end, limit = suite.chat.turn_end_id, suite.spec.max_new_tokens
    return [
        # An answer that was cut has no end that could be expected.
        Encoded(tuple(prompt), (*answer, *([end] if len(answer) < limit else [])))
        for prompt, answer in zip(prompts, answers, strict=True)
    ]


def evenly(count: int, most: int) -> list[int]:
    """At most ``most`` numbers below ``count``, spread evenly."""
    if count <= most:
        return list(range(count))
    return [place * count // most for place in range(most)]
