"""A model's size: what every plan is computed from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Method = Literal["lora", "full"]

FLOAT_BYTES = 4
"""Bytes of a float32; adapters are trained and kept in it."""


@dataclass(frozen=True)
class Shape:
    """A Llama-like decoder's size.

    Attributes:
        params: All weights.
        hidden_size: Width of the residual stream.
        layers: Transformer blocks.
        intermediate_size: Width of the gated MLP.
        vocab_size: Tokens in the vocabulary.
        heads: Attention heads; key and value heads are taken to be as many (an upper bound).
    """

    params: int
    hidden_size: int
    layers: int
    intermediate_size: int
    vocab_size: int
    heads: int


def adapter_params(shape: Shape, rank: int) -> int:
    """Returns the weights of one LoRA adapter on all linear layers of the blocks.

    Hu et al. 2021, arXiv 2106.09685: a pair of r × in and out × r factors for each matrix.

    rank · (in + out) for each matrix: query, key, value and output are hidden × hidden, the MLP's
    three are hidden × intermediate, so layers · rank · (11 · hidden + 3 · intermediate).
    """
    return shape.layers * rank * (11 * shape.hidden_size + 3 * shape.intermediate_size)


def matmul_shape(
    shape: Shape, *, batch_size: int, tokens_per_example: int, pack: int = 1
) -> tuple[int, int, int]:
    """Returns (rows, inner, columns) of the model's own largest product, to measure speed at.

    A width of 64 cannot use a processor as a width of 4096 does, so the speed is measured where the
    model will work. Rows are capped: more of them change nothing but the wait.
    """
    rows = min(pack * batch_size * tokens_per_example, 4096)
    return rows, shape.hidden_size, shape.intermediate_size
