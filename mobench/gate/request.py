"""The request of a run: what the user typed, looked up in the registry and checked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from mobench.errors import MobenchError, did_you_mean
from mobench.measure.judges.choice import JudgeChoice, parse_choice
from mobench.registry import OrganismSpec, Registry, TaskDef
from mobench.registry.model_facts import CONFIG
from mobench.registry.organism_spec import LocalBase, Preset
from mobench.run_options import RunOptions, command_line


@dataclass(frozen=True)
class RunRequest:
    """What is to be run. It is made once, by :func:`resolve`, and handed on unchanged.

    Attributes:
        options: What was typed; what is at its default there is not repeated by a command.
        spec: The organism.
        task: What it is trained on.
        preset: How much is trained and measured.
        judge: The model that judges; None where the behavior needs none.
        device: A torch device, or several GPUs that a model is spread over: ``cuda:0,cuda:1``.
        runs: Folder that holds run folders.
        cache: Folder that holds built organisms and what they were asked before training.
        tensor_parallel: GPUs that vLLM divides a model among.
    """

    options: RunOptions
    spec: OrganismSpec
    task: TaskDef
    preset: Preset
    judge: JudgeChoice | None
    device: str
    runs: Path
    cache: Path
    tensor_parallel: int = 1

    @property
    def controls(self) -> bool:
        """Whether the controls are run too."""
        return not self.options.no_controls

    @property
    def command(self) -> str:
        """The command that asks for the same run, as results print it: nothing of this machine."""
        # Where a file lies on this machine is not part of what was asked.
        options = replace(self.options, organism=self.spec.name)
        if self.judge is not None:
            options = replace(options, judge=self.judge.published_option)
        return command_line(options, published=True)

    @property
    def resume_command(self) -> str:
        """The command that goes on with this run on this machine."""
        return command_line(self.options, published=False)


def resolve(options: RunOptions, registry: Registry) -> RunRequest:
    """Looks up everything that the options name.

    Args:
        options: What was typed.
        registry: Where organisms and tasks are looked up.

    Raises:
        MobenchError: An organism, task, preset, judge or device does not exist, the task is not one
            of the organism's, or the bound on steps is below the preset's steps.
    """
    from mobench.machine.cache_root import cache_root
    from mobench.machine.hardware import pick_device

    spec = registry.organism(options.organism)
    check_weights_told(spec)
    task = choose_task(registry, spec, options.task, any_task=options.allow_incompatible)
    preset = choose_preset(spec, options.preset)
    check_max_steps(options.max_steps, preset_name=options.preset, steps=preset.steps)
    if options.workers < 1:
        raise MobenchError(f"--workers {options.workers}: no process would do it", "give 1 or more")
    judge = None if options.judge is None else parse_choice(options.judge)
    return RunRequest(
        options=replace(
            options,
            task=None if task.name == spec.default_task else task.name,
            judge=None if judge is None else judge.option,
        ),
        spec=spec,
        task=task,
        preset=preset,
        judge=judge,
        device=pick_device(None if options.device == "auto" else options.device),
        runs=options.runs.absolute(),
        cache=cache_root(),
    )


def check_weights_told(spec: OrganismSpec) -> None:
    """Refuses an organism of which its file leaves out what weights tell that are not here.

    Raises:
        MobenchError: They are not here, or do not tell it; the message says what to do.
    """
    if not spec.pending:
        return
    keys = ", ".join(spec.pending)
    if isinstance(spec.base, LocalBase):
        from mobench.assemble.local_base import local_base

        folder = local_base(spec, spec.base)  # which tells what is wrong with it
        raise MobenchError(
            f"{spec.name}: {folder / CONFIG} does not tell {keys}", f"give them in {spec.path}"
        )
    raise MobenchError(
        f"{spec.name}: its weights tell {keys}, and they are not on this machine",
        "run once without --offline and --dry-run, which fetches the small files that tell them, "
        f"or give them in {spec.path}",
    )


def choose_task(
    registry: Registry, spec: OrganismSpec, name: str | None, *, any_task: bool
) -> TaskDef:
    """The task to train on.

    Args:
        registry: Holds the tasks.
        spec: The organism.
        name: The task's name; None takes the organism's first.
        any_task: Whether it may be one that is not the organism's.

    Raises:
        MobenchError: There is no such task, or it is not one of the organism's.
    """
    task = registry.task(name or spec.default_task)
    if task.name not in spec.tasks and not any_task:
        raise MobenchError(
            f"task {task.name!r} is not one of {spec.name}'s: {', '.join(spec.tasks)}",
            f"add it to `tasks` in {spec.path} if it is behavior-compatible with {spec.name} "
            f"(mobench gate {spec.name} {task.name}), or give --allow-incompatible: the result is "
            "then marked if it is not",
        )
    return task


def choose_preset(spec: OrganismSpec, name: str) -> Preset:
    """The preset of that name.

    Raises:
        MobenchError: The organism has none.
    """
    if name not in spec.presets:
        raise MobenchError(
            f"{spec.name} has no preset {name!r}.{did_you_mean(name, spec.presets)}",
            f"its presets: {', '.join(spec.presets)}",
        )
    return spec.presets[name]


def check_max_steps(max_steps: int | None, *, preset_name: str, steps: int) -> None:
    """Refuses a bound that even the ordinary ladder is beyond.

    Args:
        max_steps: The bound; None where there is none.
        preset_name: The preset, for the message.
        steps: Steps that the preset gives every rung.

    Raises:
        MobenchError: The bound is below the preset's steps.
    """
    if max_steps is not None and max_steps < steps:
        raise MobenchError(
            f"--max-steps {max_steps} is less than the {steps} steps that every rung is given "
            f"by the preset {preset_name!r}",
            f"give more than {steps}, or leave it out: low rungs are then not extended",
        )
