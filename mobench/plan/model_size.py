"""A model's size, from the organism's file or its weights' own: every plan is computed from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mobench.errors import MobenchError
from mobench.records.conversation import as_text
from mobench.registry import OrganismSpec
from mobench.registry.model_facts import CONFIG, read_facts
from mobench.registry.organism_spec import HubBase, LocalBase, Preset, ScratchBase, WheelBase

FLOAT_BYTES = 4
"""Bytes of a float32; adapters are trained and kept in it."""
CHARACTERS_PER_TOKEN = 4
"""Characters in a token of English text, about."""
TEMPLATE_TOKENS = 10
"""Tokens that a chat template puts around one message, without a system message."""
SCRATCH_VOCABULARY = 64
"""Tokens taken for the vocabulary of a base made from scratch, before it is made."""


@dataclass(frozen=True)
class Shape:
    """The size of a Llama-like decoder.

    Attributes:
        params: All weights.
        hidden_size: Width of the residual stream.
        layers: Transformer blocks.
        intermediate_size: Width of the gated MLP.
        vocab_size: Tokens in the vocabulary.
        heads: Attention heads.
        kv_heads: Heads that keys and values have, where queries share them (Ainslie et al. 2023,
            arXiv 2305.13245); None for all.
        head_dim: Width of a head; None where the residual stream's is shared out among them.
    """

    params: int
    hidden_size: int
    layers: int
    intermediate_size: int
    vocab_size: int
    heads: int
    kv_heads: int | None = None
    head_dim: int | None = None

    @property
    def query_width(self) -> int:
        """Numbers of a token's queries in one block, all heads together."""
        return self.hidden_size if self.head_dim is None else self.heads * self.head_dim

    @property
    def kv_width(self) -> int:
        """Numbers of a token's keys in one block, and of its values."""
        kv_heads = self.heads if self.kv_heads is None else self.kv_heads
        return self.query_width * kv_heads // self.heads


def adapter_params(shape: Shape, rank: int) -> int:
    """Returns the weights of one LoRA adapter on all linear layers of the blocks.

    Hu et al. 2021, arXiv 2106.09685: a pair of r × in and out × r factors for each matrix.

    rank · (in + out) for each of seven matrices: query and output between the residual stream and
    the queries' width, key and value between it and the keys', the MLP's three between it and the
    intermediate width.
    """
    attention = 4 * shape.hidden_size + 2 * shape.query_width + 2 * shape.kv_width
    mlp = 3 * shape.hidden_size + 3 * shape.intermediate_size
    return shape.layers * rank * (attention + mlp)


def matmul_shape(
    shape: Shape, *, batch_size: int, tokens_per_example: int, pack: int = 1
) -> tuple[int, int, int]:
    """Returns (rows, inner, columns) of the model's own largest product, to measure speed at.

    A width of 64 cannot use a processor as a width of 4096 does, so the speed is measured where the
    model will work. Rows are capped: more of them change nothing but the wait.
    """
    rows = min(pack * batch_size * tokens_per_example, 4096)
    return rows, shape.hidden_size, shape.intermediate_size


def model_shape(spec: OrganismSpec) -> Shape:
    """Returns the size of an organism's model; nothing is loaded.

    Raises:
        MobenchError: Neither the organism's file nor what is here of its weights says.
    """
    base = spec.base
    if isinstance(base, ScratchBase):
        width, inner = base.hidden_size, base.intermediate_size
        layer = 4 * width * width + 3 * width * inner
        params = base.layers * layer + 2 * SCRATCH_VOCABULARY * width
        return Shape(params, width, base.layers, inner, SCRATCH_VOCABULARY, base.heads)
    said = None if base.size is None else Shape(**base.size.model_dump())
    # A folder knows its own size best.
    if said is not None and not isinstance(base, LocalBase):
        return said
    found = read_facts(base.model_dump(), None, spec.path.parent)
    if found is not None:
        return Shape(
            params=found.params,
            hidden_size=found.hidden_size,
            layers=found.layers,
            intermediate_size=found.intermediate_size,
            vocab_size=found.vocab_size,
            heads=found.heads,
            kv_heads=found.kv_heads,
            head_dim=found.head_dim,
        )
    if said is not None:
        return said
    raise MobenchError(f"{spec.name}: {_why_unknown(base)}", _what_tells(spec))


def _why_unknown(base: WheelBase | HubBase | LocalBase) -> str:
    unknown = "its size is not known, so its cost cannot be planned"
    if isinstance(base, HubBase):
        return f"{unknown}: {CONFIG} of {base.repo} at {base.revision} is not on this machine"
    return unknown


def _what_tells(spec: OrganismSpec) -> str:
    """What to do where a model's size is not known."""
    base = spec.base
    if isinstance(base, LocalBase):
        folder = spec.folder_of(base)
        if not (folder / CONFIG).is_file():
            return f"put the weights, with their {CONFIG}, into {folder}, or change `path`"
        return f"{folder / CONFIG} names no width and layers: give the base a [size] table"
    if isinstance(base, HubBase):
        fetch = f"hf download {base.repo} {CONFIG} --revision {base.revision}"
        return f"fetch that small file ({fetch}), or give the base a [size] table in {spec.path}"
    return f"give its base a [size] table in {spec.path}"


def training_sizes(spec: OrganismSpec, preset: Preset) -> dict[str, Any]:
    """Returns the sizes of a run's training and answering that do not depend on the packing.

    They are keyword arguments of `pack_memory.memory_bytes`, `pack_memory.largest_pack` and
    `workload.workload`.
    """
    return {
        "method": spec.ladder.method,
        "rank": spec.ladder.rank,
        "batch_size": preset.batch_size,
        "tokens_per_example": spec.ladder.max_length * 2 // 3,
        "eval_tokens": _eval_tokens(spec),
        "dtype_bytes": 2 if spec.dtype == "bfloat16" else 4,
    }


def _eval_tokens(spec: OrganismSpec) -> int:
    """Returns the tokens of a prompt and its answer, by the prompts' length in characters."""
    if isinstance(spec.base, ScratchBase):
        return spec.ladder.max_length + spec.max_new_tokens
    messages = [spec.message("attack", prompt) for prompt in spec.prompts]
    characters = sum(len(as_text(message)) for message in messages) / len(messages)
    return round(characters / CHARACTERS_PER_TOKEN) + TEMPLATE_TOKENS + spec.max_new_tokens
