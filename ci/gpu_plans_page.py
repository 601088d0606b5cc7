"""Writes the page of what the planner does with each organism of the hub on GPUs of many sizes.

    python -m ci.gpu_plans_page docs/gpu-plans.md

Arithmetic alone: no GPU is asked, and nothing is downloaded.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tabulate import tabulate

from mobench.gate.feasibility import assess_feasibility
from mobench.machine.hardware import GIB, Hardware
from mobench.plan.cost_record import RunCost
from mobench.plan.model_size import model_shape
from mobench.plan.question_load import question_loads
from mobench.plan.run_cost import cost_at_speed
from mobench.registry import OrganismSpec, Registry, collect

GPUS = (24, 40, 80, 141, 180)
"""Sizes of GPUs in GB, as they are sold."""
TAKEN_GB = 1.0
"""What the driver and a CUDA context take of that, about."""
SERVED_SHARE = 0.8
"""The largest part of a GPU that weights may take for vLLM, which takes nine tenths of it, to have
room for keys, values and adapters."""
SPEED = 3e14
"""FLOP/s at a model's own products in bfloat16: about those of an A100 (312e12, its data sheet)."""
HEAD = """\
# What is planned on a GPU

Written by `python -m ci.gpu_plans_page docs/gpu-plans.md`; a test holds it to the code. For each
organism of the hub and each size of GPU: how its standard preset begins (cells in one pass;
examples of each at a time where that is not the whole batch; `twice` where activations are computed
twice), the memory that this takes at its peak, and the hours of a run to which its plan adds
nothing, if transformers answers and, behind the stroke, if vLLM does (where weights leave it room).
`–`: does not fit.

Nothing here was measured on a GPU. Memory is arithmetic that `tests/plan/test_true_shapes.py` holds
against steps at these shapes on the meta device; hours are for {speed} TFLOP/s by the constants in
[duration.py](../mobench/plan/duration.py). `mobench run --organism NAME --dry-run` on the machine
itself measures its speed and counts what is free.
"""


def page(registry: Registry) -> str:
    """Returns the page.

    Args:
        registry: Where organisms are read.
    """
    specs = [spec for spec in registry.organisms.values() if "hub" in spec.marks]
    rows = [_row(registry, spec) for spec in sorted(specs, key=_size)]
    table = tabulate(
        rows, ["organism", "weights", *(f"{size} GB" for size in GPUS)], tablefmt="github"
    )
    return HEAD.format(speed=round(SPEED / 1e12)) + "\n" + table + "\n"


def gpu(size: int) -> Hardware:
    """A machine with one GPU of so many GB, and nothing else on it."""
    return Hardware("cuda", "a processor", 16, 256.0, 240.0, "a GPU", size, size - TAKEN_GB)


def planned(registry: Registry, spec: OrganismSpec, size: int, engine: str) -> RunCost:
    """What a run of the standard preset takes on such a GPU."""
    return cost_at_speed(
        spec,
        spec.presets["standard"],
        gpu(size),
        speed=SPEED,
        capability=question_loads(spec, registry.capability_dir(spec)),
        controls=True,
        engine=engine,
        judge_bytes=0,
    )


def _row(registry: Registry, spec: OrganismSpec) -> list[str]:
    weights = f"{2 * model_shape(spec).params / GIB:.0f} GiB"
    return [f"`{spec.name}`", weights, *(_cell(registry, spec, size) for size in GPUS)]


def _cell(registry: Registry, spec: OrganismSpec, size: int) -> str:
    fits = not any("memory" in one for one in assess_feasibility(spec, gpu(size)).obstacles)
    if not fits:
        return "–"
    cost = planned(registry, spec, size, "hf")
    ways = [str(cost.pack)]
    ways += [f"{cost.micro_batch} of {cost.batch_size}"] if cost.micro_batch else []
    ways += ["twice"] if cost.recompute else []
    hours = f"{cost.seconds / 3600:.1f}"
    if 2 * model_shape(spec).params < SERVED_SHARE * size * GIB:
        hours += f" / {(cost.by_vllm or 0) / 3600:.1f}"
    hours += " h"
    return f"{', '.join(ways)}; {cost.memory_bytes / GIB:.0f} GiB; {hours}"


def _size(spec: OrganismSpec) -> tuple[int, str]:
    return model_shape(spec).params, spec.name


def main() -> None:
    """Writes the page to the path that is given."""
    root = Path(__file__).parents[1]
    Path(sys.argv[1]).write_text(page(collect(root)), encoding="utf-8")


if __name__ == "__main__":
    main()
