"""How many GPUs one model is spread over, to be trained and to be served."""

from __future__ import annotations

from collections.abc import Sequence

from mobench.machine.hardware import GIB
from mobench.plan.model_size import FLOAT_BYTES, Shape, adapter_params, model_shape, training_sizes
from mobench.plan.packing import MEMORY_SHARE, initial_packing, planned_memory
from mobench.registry import OrganismSpec
from mobench.registry.organism_spec import Preset

SERVED_SHARE = 0.8
"""The largest part of a GPU that weights and adapters may take in vLLM, which takes nine tenths of
it, so that there is room for keys and values."""


def spread_over(count: int) -> str:
    """Returns the device of a model on the first so many GPUs: ``cuda``, or ``cuda:0,cuda:1``."""
    return "cuda" if count == 1 else ",".join(f"cuda:{number}" for number in range(count))


def gpus_to_train(
    spec: OrganismSpec, preset: Preset, *, free_gb: float, most: int, judge_bytes: int = 0
) -> int:
    """Returns the fewest GPUs that hold a pack of an organism, as memory is planned.

    Fewest, because the GPUs of one model work in turn: more of them do not train it faster, and do
    more as another worker's.

    Args:
        spec: The organism.
        preset: How much is trained.
        free_gb: Free memory of each GPU, in GiB.
        most: GPUs that there are.
        judge_bytes: Memory that a judging model takes beside the organism.

    Returns:
        At most ``most``, which may still be too few: formulas err, and trying costs little.

    Raises:
        MobenchError: The model's size is not known.
    """
    for count in range(1, most):
        device = spread_over(count)
        memory = count * free_gb * GIB * MEMORY_SHARE - judge_bytes
        packing = initial_packing(spec, preset, memory, device)
        if planned_memory(spec, preset, packing, device) <= memory:
            return count
    return most


def gpus_to_serve(
    spec: OrganismSpec, preset: Preset, *, total_gb: float, most: int, adapters: int
) -> int:
    """Returns the fewest GPUs that vLLM divides an organism's weights among.

    Each gets its part of every layer (Shoeybi et al. 2019, "Megatron-LM", arXiv 1909.08053), which
    is whole heads: so their number is a power of two by which the heads can be divided.

    Args:
        spec: The organism.
        preset: How much is trained.
        total_gb: Memory of each GPU, in GiB.
        most: GPUs that there are.
        adapters: Adapters that are served in one batch.

    Raises:
        MobenchError: The model's size is not known.
    """
    shape, sizes = model_shape(spec), training_sizes(spec, preset)
    held = shape.params * sizes["dtype_bytes"]
    if sizes["method"] == "lora":
        held += adapters * adapter_params(shape, sizes["rank"]) * FLOAT_BYTES // 2
    choices = serving_choices(shape, most)
    fitting = (n for n in choices if held <= SERVED_SHARE * n * total_gb * GIB)
    return next(fitting, choices[-1])


def serving_choices(shape: Shape, most: int) -> Sequence[int]:
    """Returns the numbers of GPUs that a model can be served on: 1 and on, ascending.

    Args:
        shape: The model's size.
        most: GPUs that there are.
    """
    powers = (2**n for n in range(most.bit_length()))
    return [n for n in powers if n <= most and shape.heads % n == 0]
