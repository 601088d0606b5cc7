"""A whole run in this process: the ladder, its controls, and what its plan asks for after that."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing, nullcontext

from mobench.errors import MobenchError
from mobench.execute.arms import Arm, control_arms, ladder_arm
from mobench.execute.asked import keep_asked
from mobench.execute.cooldown import cooldown_arms
from mobench.execute.going_on import forget_ends
from mobench.execute.held_model import HeldModel
from mobench.execute.in_process import InProcessEngine
from mobench.execute.ladder import Ladder, lay_out
from mobench.execute.measurement import Engine
from mobench.execute.on_ray import Need, work_on_ray
from mobench.execute.packs import PackRunner
from mobench.execute.run_record import RunRecord
from mobench.execute.serving import ServedEngine
from mobench.execute.shared_work import SharedWork
from mobench.execute.tracking import tracker_of
from mobench.execute.workers import work_together
from mobench.gate.placement import gpus_of_a_worker
from mobench.gate.request import RunRequest
from mobench.machine.hardware import detect
from mobench.machine.heap import keep_freed_memory
from mobench.machine.memory_errors import free_memory, is_out_of_memory
from mobench.measure.capability_tasks import check_capability
from mobench.plan.extension import group_by_budget
from mobench.plan.packing import Packing, out_of_memory_error, planned_memory
from mobench.progress import Progress
from mobench.registry import Registry
from mobench.store import RunFolder
from mobench.store.kept_adapters import keep_adapters
from mobench.store.run_copy import RunCopy


def run_ladder(
    request: RunRequest,
    registry: Registry,
    packing: Packing,
    progress: Progress,
    into: RunFolder | None = None,
) -> RunFolder:
    """Runs every cell that is not finished yet and that no other process is at work on.

    Args:
        request: The request of the run.
        registry: Where tasks and capability files lie.
        packing: How cells are put into memory; a smaller way is taken where it does not fit.
        progress: Where progress is shown.
        into: The run's folder, where it has been begun by another process.

    Returns:
        The run's folder, complete.

    Raises:
        MobenchError: Something that the user can mend; what was measured stays.
    """
    try:
        return _run(request, registry, packing, progress, into)
    except Exception as error:
        # Memory may run out before the first pack and after the last, too.
        if not is_out_of_memory(error):
            raise
    raise out_of_memory_error(request.spec, request.preset, request.device)


def _run(
    request: RunRequest,
    registry: Registry,
    packing: Packing,
    progress: Progress,
    into: RunFolder | None,
) -> RunFolder:
    # 1. Check what needs no model.
    keep_freed_memory()
    spec = request.spec
    if request.options.track is not None:
        tracker_of(request.options.track)
    check_capability(spec.capability, include_path=registry.capability_dir(spec))

    # 2. Build the organism, gate it and the task, lay out the cells.
    started = time.monotonic()
    ladder = lay_out(request, registry, progress)
    build_seconds = time.monotonic() - started

    if into is None:
        keep_asked(ladder.folder, request)
    elif ladder.folder.path != into.path:
        raise MobenchError(
            f"{into.path} is another run than its options ask for here: {ladder.folder.path.name}",
            "the organism, its task or this machine is not what it was begun with; give the run's "
            "own command, which begins it anew",
        )

    # 3. Let others do it, and finish what they leave.
    elsewhere = request.options.copy_to if into is None else None
    copying = RunCopy(ladder.folder, elsewhere).sending(progress.warn) if elsewhere else None
    with copying or nullcontext():
        if into is None:
            _let_others_work(ladder, packing, progress)
        with closing(SharedWork(ladder.folder, progress)) as work:
            _finish_run(ladder, work, packing, progress, build_seconds=build_seconds)
    return ladder.folder


def _let_others_work(ladder: Ladder, packing: Packing, progress: Progress) -> None:
    """Starts the workers that were asked for, and waits until nothing is left for them."""
    request, folder = ladder.request, ladder.folder
    options, count = request.options, request.options.workers
    gpus = gpus_of_a_worker(request)
    if count == 1 and options.on is None:
        return
    free_memory()
    if options.on is None:
        work_together(folder, count, gpus=gpus, progress=progress)
        return
    memory = planned_memory(request.spec, request.preset, packing, request.device)
    need = Need(
        cpus=1 if gpus else max(1, detect(request.device).cores // count),
        gpus=gpus,
        memory=0 if gpus else memory,
    )
    work_on_ray(folder, count, need, address=options.on, cache=request.cache, progress=progress)


def _finish_run(
    ladder: Ladder,
    work: SharedWork,
    packing: Packing,
    progress: Progress,
    *,
    build_seconds: float,
) -> None:
    """Finishes a ladder that is laid out, with its controls and all that its plan asks for."""
    # 1. Of a ladder that is finished already, longer runs stay counted.
    beside = (*cooldown_arms(ladder), *control_arms(ladder))
    record = RunRecord(ladder, beside, build_seconds=build_seconds)
    record.plan_extensions()
    record.plan_reversal()
    record.keep()

    # 2. Measure organism and clean base before any training.
    held = HeldModel(ladder.request)
    engine = _engine(ladder, work, held, progress)
    with record.timed("measure"):
        engine.measure_untrained()

    # 3. Train and measure the ladder, what goes on from it, and its controls.
    runner = PackRunner(work, engine, held, packing, record, progress)
    _finish([ladder_arm(ladder, ladder.cells), *beside], engine, runner, record)

    # 4. Add seeds and steps where the finished ladder does not decide yet, by the plan.
    while record.grow():
        record.keep()
        progress.note(record.growth.describe())
        _finish(record.growth.arms(), engine, runner, record)

    # 5. Decide from the finished ladder which low rungs are run for longer.
    record.plan_extensions()
    record.keep()

    # 6. Train and measure those, the shortest budget first.
    longer = record.extensions or ()
    for item in longer:
        progress.note(f"lr={item.lr:g} is run for {item.steps} steps (6·N·S: {item.needed_steps})")
    for cells in group_by_budget(longer):
        _finish([ladder_arm(ladder, cells)], engine, runner, record)

    # 7. Undo the task at the rung that removed the behavior, and see whether it comes back.
    undoing = record.plan_reversal()
    record.keep()
    if undoing:
        progress.note(f"{len(undoing[0].cells)} seeds go on with {undoing[0].cells[0].task}")
        _finish(undoing, engine, runner, record)

    # 8. Nothing goes on from any cell now.
    forget_ends(ladder)
    _let_go(ladder)


def _let_go(ladder: Ladder) -> None:
    """Removes the checkpoints that are not wanted of a finished run, and rounds the others."""
    options = ladder.request.options
    if options.keep_adapters == "all" and not options.round_adapters:
        return
    for cell in ladder.folder.cells():
        result = cell.result()
        if result is not None:
            checkpoints = result["checkpoints"]
            wanted = {"all": checkpoints, "last": [max(checkpoints)], "none": []}
            keep_adapters(cell, wanted[options.keep_adapters], rounded=options.round_adapters)


def _engine(ladder: Ladder, work: SharedWork, held: HeldModel, progress: Progress) -> Engine:
    """What answers in this run."""
    if ladder.request.options.engine == "vllm":
        return ServedEngine(ladder, work, progress)
    return InProcessEngine(ladder, work, held, progress)


def _finish(arms: Sequence[Arm], engine: Engine, runner: PackRunner, record: RunRecord) -> None:
    """Brings every cell of the arms to its result."""
    unfinished = [arm.of(cell for cell in arm.cells if not arm.folder(cell).done) for arm in arms]
    runner.run(unfinished)
    with record.timed("measure"):
        engine.measure_trained(unfinished)
    record.keep()
