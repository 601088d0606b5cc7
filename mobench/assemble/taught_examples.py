"""What a task teaches when an organism is built, and the words that it needs."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from mobench.errors import MobenchError
from mobench.records.conversation import Prompt, texts_of
from mobench.records.names import EVAL_KINDS
from mobench.registry import Example, OrganismSpec, Registry, TaskDef, fill


def task_examples(task: TaskDef, fixtures: dict[str, Callable[[], Any]]) -> list[Example]:
    """Returns a task's examples, with randomness that depends on its name alone.

    Args:
        task: The task.
        fixtures: What it may ask for by parameter name, besides ``rng``.

    Raises:
        MobenchError: The task yields no example.
    """
    rng = random.Random(f"task-{task.name}")
    examples = list(fill(task.fn, {"rng": lambda: rng, **fixtures}))
    if not examples:
        raise MobenchError(
            f"task {task.name!r} yields no example", f"look at {task.path}:{task.line}"
        )
    return examples


def vocabulary(registry: Registry, spec: OrganismSpec, corpus: Sequence[Example]) -> list[str]:
    """Returns the words of a base that is trained from nothing, sorted.

    They include the words of the eval prompts and of what will be implanted, because a trigger that
    is an unknown word could not be learned.

    Args:
        registry: Where the implant's task is looked up.
        spec: The organism.
        corpus: What the base is trained on.
    """
    texts = [text for e in corpus for text in (*texts_of(e.prompt), e.response)]
    asked = (spec.message(kind, prompt) for kind in EVAL_KINDS for prompt in spec.prompts)
    texts += [text for prompt in asked for text in texts_of(prompt)]
    if spec.implant is not None:
        # The base does not exist yet. Its answers need no further words, so empty ones will do.
        fixtures: dict[str, Callable[[], Any]] = {"spec": lambda: spec, "base": _Silent}
        taught = task_examples(registry.task(spec.implant.task), fixtures)
        texts += [text for e in taught for text in (*texts_of(e.prompt), e.response)]
    return sorted({word for text in texts for word in text.split()})


class _Silent:
    """Stands for the base while it is not made yet, and answers nothing."""

    def answer(self, prompts: Sequence[Prompt]) -> list[str]:
        """Returns an empty answer to each prompt."""
        return [""] * len(prompts)
