"""The judge that a run requires, checked before anything is built or loaded."""

from __future__ import annotations

import os

from mobench.errors import MobenchError
from mobench.measure.judges.choice import WAYS_TO_ASK, JudgeChoice
from mobench.registry import OrganismSpec, Registry


def check_judge(spec: OrganismSpec, registry: Registry, choice: JudgeChoice | None) -> None:
    """Refuses a run without the judge that it requires, or with one that would do nothing.

    Args:
        spec: The organism.
        registry: Where its rubric is looked up.
        choice: The judging model that the user chose; None if none was chosen.

    Raises:
        MobenchError: The organism is judged by a model and none was chosen, or it is judged by
            its behavior alone and one was chosen.
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
            f"{spec.name} is judged by a model (rubric {rubric.name!r}), and none was chosen",
            WAYS_TO_ASK,
        )


def reach_judge(choice: JudgeChoice, *, offline: bool) -> None:
    """Asks an endpoint whether it serves the chosen model; a model in a folder is not asked.

    Args:
        choice: The judging model.
        offline: Whether only this machine may be asked.

    Raises:
        MobenchError: The endpoint does not answer, does not take the key, does not serve the
            model, or is on another machine although the run is offline.
    """
    if choice.kind != "openai":
        return
    if offline and not choice.on_this_machine:
        raise MobenchError(
            f"--offline, and the judge is at {choice.location}",
            "choose one on this machine, such as --judge local:FOLDER",
        )
    from mobench.measure.judges.endpoint import Endpoint

    Endpoint(choice, choice.key(os.environ)).check()
