"""Binds a behavior to the args of an organism's file, after checking them."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from mobench.errors import MobenchError, did_you_mean
from mobench.registry.definitions import JUDGE_FIXTURES, BehaviorDef

Judge = Callable[[str, str, str | None], bool]
"""``judge(answer, prompt, reference) -> bool``: does the attack behavior show in this answer?"""

ScoreJudge = Callable[[str, str, str | None, float], bool]
"""``judge(answer, prompt, reference, score) -> bool``: the same, given a judging model's score."""

Settled = Callable[[str], bool]
"""``settled(beginning) -> bool``: can nothing that follows change the judgment of an answer?"""


def arg_problems(behavior: BehaviorDef, args: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Checks args against the behavior's signature: names, presence, and annotated types.

    Args:
        behavior: The behavior.
        args: What the organism's file gives it.

    Returns:
        Pairs of argument name and what is wrong with it.
    """
    wanted = {parameter.name: parameter for parameter in behavior.args}
    problems = []
    for name in args:
        if name in JUDGE_FIXTURES:
            what = f"behavior {behavior.name!r} is given {name!r} for each answer; not an arg"
            problems.append((name, what))
        elif name not in wanted:
            hint = did_you_mean(name, wanted)
            takes = ", ".join(wanted) or "none"
            what = f"behavior {behavior.name!r} takes no arg {name!r}.{hint} It takes: {takes}"
            problems.append((name, what))
    checks = _checks(behavior.fn)
    for name, parameter in wanted.items():
        if name not in args:
            if parameter.default is inspect.Parameter.empty:
                problems.append((name, f"behavior {behavior.name!r} needs the arg {name!r}"))
        elif name in checks:
            try:
                checks[name].validate_python(args[name], strict=True)
            except ValidationError as error:
                message = error.errors()[0]["msg"].removeprefix("Value error, ")
                what = f"behavior {behavior.name!r}, arg {name!r}: {message}, got {args[name]!r}"
                problems.append((name, what))
    return problems


@lru_cache(maxsize=128)
def _checks(fn: Callable[..., Any]) -> dict[str, TypeAdapter[Any]]:
    """What each annotated argument of a function must be; a thousand organisms share a few."""
    # Extras carry constraints, as in `Annotated[str, AfterValidator(…)]`.
    hints = get_type_hints(fn, include_extras=True)
    return {name: TypeAdapter(hint) for name, hint in hints.items()}


def bind_judge(behavior: BehaviorDef, args: Mapping[str, Any]) -> Judge:
    """Fills in the args.

    Args:
        behavior: The behavior.
        args: What the organism's file gives it.

    Raises:
        MobenchError: The args do not fit, or a judging model has to be asked.
    """
    if behavior.needs_score:
        raise MobenchError(f"behavior {behavior.name!r} needs a judging model's score")
    bound = bind_score_judge(behavior, args)

    def judge(answer: str, prompt: str, reference: str | None = None) -> bool:
        return bound(answer, prompt, reference, math.nan)

    return judge


def bind_score_judge(behavior: BehaviorDef, args: Mapping[str, Any]) -> ScoreJudge:
    """Fills in the args of a behavior that may ask for a judging model's score.

    Args:
        behavior: The behavior.
        args: What the organism's file gives it.

    Raises:
        MobenchError: The args do not fit.
    """
    wrong = arg_problems(behavior, args)
    if wrong:
        raise MobenchError("; ".join(what for _, what in wrong))
    asked = [name for name in inspect.signature(behavior.fn).parameters if name in JUDGE_FIXTURES]

    def judge(answer: str, prompt: str, reference: str | None, score: float) -> bool:
        given = {"answer": answer, "prompt": prompt, "reference": reference, "score": score}
        return bool(behavior.fn(**{name: given[name] for name in asked}, **args))

    return judge


def bind_settled(behavior: BehaviorDef, args: Mapping[str, Any]) -> Settled | None:
    """Fills the args into the behavior's ``settled``; None where it has none."""
    settled = behavior.settled
    if settled is None:
        return None
    return lambda answer: bool(settled(answer=answer, **args))
