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
from mobench.plan.gpus import SERVED_SHARE, gpus_to_serve, gpus_to_train, spread_over
from mobench.plan.model_size import model_shape
from mobench.plan.packing import MEMORY_SHARE
from mobench.plan.question_load import question_loads
from mobench.plan.run_cost import cost_at_speed
from mobench.registry import OrganismSpec, Registry, collect

GPUS = (24, 40, 80, 141, 180)
"""Sizes of GPUs in GB, as they are sold."""
TAKEN_GB = 1.0
"""What the driver and a CUDA context take of that, about."""
TOGETHER = 8
"""GPUs in one machine, as they are mostly built in."""
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
SEVERAL = """\
## Over several GPUs

What the planner takes of a machine with {together} GPUs, for organisms that do not fit one of some
size with the {share:.0%} of free memory that it plans with: the GPUs that a model is spread over
to be trained (how its cells begin on them, the memory of all together), behind the stroke those
that vLLM divides it among, and the hours of one worker with both. `0`: not even {together} hold it.
GPUs that are left are other workers'.

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
    head = HEAD.format(speed=round(SPEED / 1e12)) + "\n" + table + "\n\n"
    said = SEVERAL.format(together=TOGETHER, share=MEMORY_SHARE)
    several = [
        [f"`{spec.name}`", *(_spread_cell(registry, spec, size) for size in GPUS)]
        for spec in sorted(specs, key=_size)
        if any(gpus(spec, size) != (1, 1) for size in GPUS)
    ]
    sizes = [f"{TOGETHER} × {size} GB" for size in GPUS]
    return head + said + tabulate(several, ["organism", *sizes], tablefmt="github") + "\n"


def gpu(size: int, count: int = 1) -> Hardware:
    """A machine with GPUs of so many GB, and nothing else on them."""
    device = spread_over(count)
    return Hardware(
        device, "a processor", 16, 256.0, 240.0, "a GPU", size, size - TAKEN_GB, gpus=count
    )


def gpus(spec: OrganismSpec, size: int) -> tuple[int, int]:
    """The GPUs of a full machine that a model is spread over, and those that it is served on."""
    preset = spec.presets["standard"]
    return (
        gpus_to_train(spec, preset, free_gb=size - TAKEN_GB, most=TOGETHER),
        gpus_to_serve(spec, preset, total_gb=size, most=TOGETHER, adapters=16),
    )


def planned(
    registry: Registry,
    spec: OrganismSpec,
    size: int,
    engine: str,
    *,
    count: int = 1,
    tensor_parallel: int = 1,
) -> RunCost:
    """What a run of the standard preset takes on such GPUs."""
    return cost_at_speed(
        spec,
        spec.presets["standard"],
        gpu(size, count),
        speed=SPEED,
        capability=question_loads(spec, registry.capability_dir(spec)),
        controls=True,
        engine=engine,
        judge_bytes=0,
        tensor_parallel=tensor_parallel,
    )


def _row(registry: Registry, spec: OrganismSpec) -> list[str]:
    weights = f"{2 * model_shape(spec).params / GIB:.0f} GiB"
    return [f"`{spec.name}`", weights, *(_cell(registry, spec, size) for size in GPUS)]


def _cell(registry: Registry, spec: OrganismSpec, size: int) -> str:
    fits = not any("memory" in one for one in assess_feasibility(spec, gpu(size)).obstacles)
    if not fits:
        return "–"
    cost = planned(registry, spec, size, "hf")
    hours = f"{cost.seconds / 3600:.1f}"
    if 2 * model_shape(spec).params < SERVED_SHARE * size * GIB:
        hours += f" / {(cost.by_vllm or 0) / 3600:.1f}"
    hours += " h"
    return f"{_ways(cost)}; {cost.memory_bytes / GIB:.0f} GiB; {hours}"


def _spread_cell(registry: Registry, spec: OrganismSpec, size: int) -> str:
    count, served = gpus(spec, size)
    cost = planned(registry, spec, size, "vllm", count=count, tensor_parallel=served)
    if cost.memory_bytes > gpu(size, count).model_memory_gb * GIB:
        return "0"
    held = f"{_ways(cost)}; {cost.memory_bytes / GIB:.0f} GiB"
    return f"{count} ({held}) / {served}; {cost.seconds / 3600:.1f} h"


def _ways(cost: RunCost) -> str:
    """How cells begin in memory."""
    ways = [str(cost.pack)]
    ways += [f"{cost.micro_batch} of {cost.batch_size}"] if cost.micro_batch else []
    ways += ["twice"] if cost.recompute else []
    return ", ".join(ways)


def _size(spec: OrganismSpec) -> tuple[int, str]:
    return model_shape(spec).params, spec.name


def main() -> None:
    """Writes the page to the path that is given."""
    root = Path(__file__).parents[1]
    Path(sys.argv[1]).write_text(page(collect(root)), encoding="utf-8")


if __name__ == "__main__":
    main()
