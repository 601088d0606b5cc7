"""How many tokens a run was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from mobench.train.batches import Encoded, order
from mobench.train.pack import Recipe, Run


def tokens_between(
    examples: Sequence[Encoded], run: Run, recipe: Recipe, first: int, last: int
) -> int:
    """Returns the tokens of the examples of some steps, prompts included and padding not.

    Args:
        examples: The task's examples.
        run: Whose order of examples.
        recipe: How many of them a step takes.
        first: The step after which counting begins; 0 for the first.
        last: The last step that counts.
    """
    sizes = [len(example.prompt) + len(example.response) for example in examples]
    batches = islice(order(run.seed, len(examples), recipe.batch_size), first, last)
    return sum(sizes[number] for batch in batches for number in batch)
