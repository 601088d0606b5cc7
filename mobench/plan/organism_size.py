"""The sizes that a plan is made of, from the organism's file and the preset alone."""

from __future__ import annotations

from typing import Any

from mobench.errors import MobenchError
from mobench.plan.model_size import Shape
from mobench.registry import OrganismSpec
from mobench.registry.organism_spec import HubBase, Preset, ScratchBase, WheelBase

CHARACTERS = 4
"""Characters in an English token, about."""
TEMPLATE_TOKENS = 10
"""What a chat template puts around one message, without a system message."""


def shape(spec: OrganismSpec) -> Shape:
    """The model's size from the organism's file alone: nothing is loaded.

    Raises:
        MobenchError: The file does not tell.
    """
    base = spec.base
    if isinstance(base, ScratchBase):
        words = 64
        width, inner = base.hidden_size, base.intermediate_size
        layer = 4 * width * width + 3 * width * inner
        params = base.layers * layer + 2 * words * width
        return Shape(params, width, base.layers, inner, words, base.heads)
    if isinstance(base, HubBase | WheelBase) and base.size is not None:
        return Shape(**base.size.model_dump())
    raise MobenchError(
        f"{spec.name}: its size is not known, so its cost cannot be planned",
        f"give its base a [size] table in {spec.path}",
    )


def sizes(spec: OrganismSpec, preset: Preset) -> dict[str, Any]:
    """What `plan_memory.memory_bytes` and `plan_cost.estimate` take of a run, but for the pack."""
    return {
        "method": spec.ladder.method,
        "rank": spec.ladder.rank,
        "batch_size": preset.batch_size,
        "tokens_per_example": spec.ladder.max_length * 2 // 3,
        "eval_tokens": _eval_tokens(spec),
        "dtype_bytes": 2 if spec.dtype == "bfloat16" else 4,
    }


def _eval_tokens(spec: OrganismSpec) -> int:
    """Tokens of a prompt and its answer, from the prompts' own length: no tokenizer is at hand."""
    if isinstance(spec.base, ScratchBase):
        return spec.ladder.max_length + spec.max_new_tokens
    asked = [spec.message("attack", prompt) for prompt in spec.prompts]
    written = sum(len(text) for text in asked) / len(asked)
    return round(written / CHARACTERS) + TEMPLATE_TOKENS + spec.max_new_tokens
