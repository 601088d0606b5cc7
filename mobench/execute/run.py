"""A whole run in this process: the ladder, its controls, and what its plan asks for after that."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mobench.execute.arms import Arm, control_arms, ladder_arm
from mobench.execute.cooldown import cooldown_arms
from mobench.execute.going_on import forget_ends
from mobench.execute.in_process import InProcessEngine
from mobench.execute.ladder import Ladder, lay_out
from mobench.execute.measurement import Engine
from mobench.execute.packs import PackRunner
from mobench.execute.run_record import RunRecord
from mobench.execute.serving import ServedEngine
from mobench.gate.request import RunRequest
from mobench.machine.heap import keep_freed_memory
from mobench.machine.memory_errors import is_out_of_memory
from mobench.measure.capability_tasks import check_capability
from mobench.plan.extension import group_by_budget
from mobench.plan.packing import Packing, out_of_memory_error
from mobench.progress import Progress
from mobench.registry import Registry
from mobench.store import RunFolder


def run_ladder(
    request: RunRequest, registry: Registry, packing: Packing, progress: Progress
) -> RunFolder:
    """Runs every cell that is not finished yet.

    Args:
        request: The request of the run.
        registry: Where tasks and capability files lie.
        packing: How cells are put into memory; a smaller way is taken where it does not fit.
        progress: Where progress is shown.

    Returns:
        The run's folder, complete.

    Raises:
        MobenchError: Something that the user can mend; what was measured stays.
    """
    try:
        return _run(request, registry, packing, progress)
    except Exception as error:
        # Memory may run out before the first pack and after the last, too.
        if not is_out_of_memory(error):
            raise
    raise out_of_memory_error(request.spec, request.preset, request.device)


def _run(
    request: RunRequest, registry: Registry, packing: Packing, progress: Progress
) -> RunFolder:
    # 1. Check what needs no model.
    keep_freed_memory()
    spec = request.spec
    check_capability(spec.capability, include_path=registry.capability_dir(spec))

    # 2. Build the organism, gate it and the task, lay out the cells.
    started = time.monotonic()
    ladder = lay_out(request, registry, progress)
    build_seconds = time.monotonic() - started

    # 3. Begin the run's record. Of a ladder that is finished already, longer runs stay counted.
    beside = (*cooldown_arms(ladder), *control_arms(ladder))
    record = RunRecord(ladder, beside, build_seconds=build_seconds)
    record.plan_extensions()
    record.plan_reversal()
    record.keep()

    # 4. Measure organism and clean base before any training.
    engine = _engine(ladder, progress)
    with record.timed("measure"):
        engine.measure_untrained()

    # 5. Train and measure the ladder, what goes on from it, and its controls.
    runner = PackRunner(engine, packing, record, progress)
    _finish([ladder_arm(ladder, ladder.cells), *beside], engine, runner, record)

    # 6. Add seeds and steps where the finished ladder does not decide yet, by the plan.
    while record.grow():
        record.keep()
        progress.note(record.growth.describe())
        _finish(record.growth.arms(), engine, runner, record)

    # 7. Decide from the finished ladder which low rungs are run for longer.
    record.plan_extensions()
    record.keep()

    # 8. Train and measure those, the shortest budget first.
    longer = record.extensions or ()
    for item in longer:
        progress.note(f"lr={item.lr:g} is run for {item.steps} steps (6·N·S: {item.needed_steps})")
    for cells in group_by_budget(longer):
        _finish([ladder_arm(ladder, cells)], engine, runner, record)

    # 9. Undo the task at the rung that removed the behavior, and see whether it comes back.
    undoing = record.plan_reversal()
    record.keep()
    if undoing:
        progress.note(f"{len(undoing[0].cells)} seeds go on with {undoing[0].cells[0].task}")
        _finish(undoing, engine, runner, record)
    forget_ends(ladder)
    return ladder.folder


def _engine(ladder: Ladder, progress: Progress) -> Engine:
    """What answers in this run."""
    if ladder.request.options.engine == "vllm":
        return ServedEngine(ladder, progress)
    return InProcessEngine(ladder, progress)


def _finish(arms: Sequence[Arm], engine: Engine, runner: PackRunner, record: RunRecord) -> None:
    """Brings every cell of the arms to its result."""
    unfinished = [arm.of(cell for cell in arm.cells if not arm.folder(cell).done) for arm in arms]
    for arm in unfinished:
        runner.run(arm)
    with record.timed("measure"):
        engine.measure_trained(unfinished)
    record.keep()
