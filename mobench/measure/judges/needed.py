"""Whether a run has the judge that it needs, asked before anything is built or loaded."""

from __future__ import annotations

from mobench.errors import MobenchError
from mobench.measure.judges.choice import HOW, JudgeChoice
from mobench.registry import OrganismSpec, Registry


def check_judge(spec: OrganismSpec, registry: Registry, choice: JudgeChoice | None) -> None:
    """Refuses a run without the judge that it needs, or with one that would do nothing.

    Raises:
        MobenchError: It is one of these.
    """
    rubric = registry.rubric(spec)
    if rubric is None and choice is not None:
        raise MobenchError(
            f"{spec.name} is judged by its behavior {spec.behavior.use!r} alone: --judge would do "
            "nothing",
            "leave it out",
        )
    if rubric is not None and choice is None:
        raise MobenchError(
            f"{spec.name} is judged by a model (rubric {rubric.name!r}), and none was chosen", HOW
        )


def reach_judge(choice: JudgeChoice, *, offline: bool) -> None:
    """Asks an endpoint whether it is there and has the model, before anything is built.

    Raises:
        MobenchError: It is not, or may not be asked.
    """
    if choice.kind != "openai":
        return
    if offline and not choice.on_this_machine:
        raise MobenchError(
            f"--offline, and the judge is at {choice.where}",
            "choose one on this machine, such as --judge local:FOLDER",
        )
    from mobench.measure.judges.endpoint import Endpoint

    Endpoint(choice).check()
