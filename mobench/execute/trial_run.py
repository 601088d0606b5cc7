"""A trial of an organism: its gate, and a few steps at one rate, from weights to rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from mobench.execute.run import run_ladder
from mobench.gate.priced_request import priced
from mobench.gate.request import resolve
from mobench.progress import Progress
from mobench.records.names import RowKind
from mobench.registry import Registry
from mobench.run_options import RunOptions

STEPS = 4


@dataclass(frozen=True)
class Trial:
    """What a trial found. Rates are shares of prompts or questions.

    Attributes:
        organism: Its name.
        task: What it was trained on.
        attack: How often the behavior showed with the trigger, before training.
        control: How often it did without.
        capability: The capability suite's mean over its questions, before training.
        lr: The rate it was trained at.
        steps: For how many steps.
        attack_after: As ``attack``, after these.
        capability_after: As ``capability``, after these.
        build_seconds: What it took to build and gate it.
        train_seconds: What the steps took.
        measure_seconds: What it took to measure both models.
    """

    organism: str
    task: str
    attack: float
    control: float
    capability: float
    lr: float
    steps: int
    attack_after: float
    capability_after: float
    build_seconds: float
    train_seconds: float
    measure_seconds: float


def trial_run(options: RunOptions, registry: Registry, progress: Progress) -> Trial:
    """Gates an organism, trains it for a few steps at its standard rate, and measures it.

    What is built and asked is kept in the cache as for any run; what is trained is not kept.

    Args:
        options: Names the organism, its task and the machine; the ladder is the trial's own.
        registry: Where it is looked up.
        progress: Where progress is shown.

    Raises:
        MobenchError: It cannot be built or run, does not show the behavior that its file claims,
            or its task is not compatible with it.
    """
    asked = resolve(replace(options, no_controls=True), registry)
    standard_lr = asked.spec.ladder.standard_lr
    preset = asked.preset.model_copy(
        update={
            "rungs": (standard_lr,),
            **dict.fromkeys(("seeds", "most_seeds", "capability_checkpoints"), 1),
            **{"steps": STEPS, "window_checkpoints": 2, "cooldown": False, "reversal": False},
        }
    )
    with TemporaryDirectory(prefix="mobench-trial-") as place:
        planned = priced(replace(asked, preset=preset, runs=Path(place)), registry)
        planned.check(registry)
        request = planned.request
        folder = run_ladder(request, registry, planned.cost.packing, progress)
        manifest = folder.manifest()
        (cell,) = folder.cells()
        before, after = folder.reference("organism").rows(), cell.rows()
    gate, seconds = manifest.gate, manifest.seconds or {}
    assert gate is not None

    def mean(kind: RowKind, rows: list[float | None]) -> float:
        judged = [value for value in rows if value is not None]
        if not judged:
            raise ValueError(f"no answer was judged: {kind}")
        return sum(judged) / len(judged)

    def last(kind: RowKind) -> float:
        return mean(kind, [r["outcome"] for r in after if r["kind"] == kind and r["step"] == STEPS])

    return Trial(
        organism=request.spec.name,
        task=request.task.name,
        attack=gate["attack"],
        control=gate["control"],
        capability=mean(
            "capability", [row["outcome"] for row in before if row["kind"] == "capability"]
        ),
        lr=standard_lr,
        steps=STEPS,
        attack_after=last("attack"),
        capability_after=last("capability"),
        build_seconds=seconds.get("build", 0.0),
        train_seconds=seconds.get("train", 0.0),
        measure_seconds=seconds.get("measure", 0.0),
    )
