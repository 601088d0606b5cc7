"""The sequential plan of a run: where seeds are added or a budget doubled, by rules set beforehand.

Every rung gets the same few seeds first. Then only the rungs that decide get more, and only until
they are decided or the plan's cap is reached. What is asked for next is a pure function of what is
finished, so a run that is stopped and started again comes to the same cells. How often the whole
procedure errs is simulated: `mobench.plan.power`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mobench.records.short_hash import short_hash
from mobench.registry.organism_spec import Preset
from mobench.score.criteria import DEFAULT_EPSILONS, DEFAULT_TAU
from mobench.score.deciding_rungs import decide
from mobench.score.rung_summary import RungSummary
from mobench.score.rung_verdict import NOT_JUDGED_AT_MOST
from mobench.score.seed_majority import FIRST_LOOK, LAST_LOOK


@dataclass(frozen=True)
class SequentialPlan:
    """What a run does by itself beyond its first seeds; fixed before anything is trained.

    Attributes:
        seeds: Of every rung, at first.
        looks: Seeds at which a deciding rung is looked at again, rising; empty where none is added.
        doublings: How often the budget of a rung whose seeds still move is doubled.
    """

    seeds: int
    looks: tuple[int, ...]
    doublings: int

    def record(self) -> dict[str, Any]:
        """Returns the plan as a manifest has it."""
        return asdict(self) | {"looks": list(self.looks)}


def plan_hash(
    rules: Mapping[str, Any], *, rungs: Sequence[float], steps: int, standard_lr: float
) -> str:
    """Returns the hash of a plan: of its rules, and of the ladder that they are for.

    Args:
        rules: The plan's own keys, as a manifest has them.
        rungs: Learning rates of the ladder.
        steps: The ordinary budget.
        standard_lr: The learning rate an ordinary user would take.
    """
    own = {key: rules[key] for key in ("seeds", "looks", "doublings", "tau", "epsilon")}
    return short_hash({**own, "rungs": list(rungs), "steps": steps, "standard_lr": standard_lr})


def plan_rules(plan: SequentialPlan) -> dict[str, Any]:
    """Returns all that a plan goes by, as a manifest has it: thresholds of the score among it."""
    return {**plan.record(), "tau": DEFAULT_TAU, "epsilon": max(DEFAULT_EPSILONS)}


def hash_of_plan(preset: Preset, *, standard_lr: float) -> str:
    """Returns the hash of the plan that a preset's runs go by.

    Args:
        preset: The preset.
        standard_lr: The learning rate an ordinary user would take.
    """
    rules = plan_rules(plan_of(preset))
    return plan_hash(rules, rungs=preset.rungs, steps=preset.steps, standard_lr=standard_lr)


@dataclass(frozen=True)
class Request:
    """More of one rung.

    Attributes:
        lr: Its learning rate.
        seeds: How many it should have.
        doubled: Whether its budget should be doubled, for all of them.
        base: Whether the clean base should be trained alike, with all of them.
    """

    lr: float
    seeds: int
    doubled: bool
    base: bool = False


def plan_of(preset: Preset) -> SequentialPlan:
    """Returns the plan of a preset."""
    looks = [look for look in (FIRST_LOOK, LAST_LOOK) if preset.seeds < look <= preset.most_seeds]
    if preset.most_seeds > preset.seeds and preset.most_seeds not in looks:
        looks.append(preset.most_seeds)
    return SequentialPlan(preset.seeds, tuple(sorted(looks)), 1 if looks else 0)


def next_requests(
    rungs: Sequence[RungSummary],
    plan: SequentialPlan,
    *,
    standard_lr: float,
    doubled: Iterable[float] = (),
) -> tuple[Request, ...]:
    """Returns what is to be run next; nothing once the ladder has decided or the cap is reached.

    A rung that stands in a verdict's way is gone on with, the lowest of several first; and each
    rung that a verdict rests on gets as many seeds as a verdict should have.

    Args:
        rungs: What every rung shows so far, all of its seeds finished.
        plan: The run's plan.
        standard_lr: The learning rate an ordinary user would take.
        doubled: Rungs whose budget has been doubled.
    """
    twice = set(doubled)
    open_one: Request | None = None
    confirming: list[Request] = []
    for rung in sorted(decide(rungs, standard_lr).wanted, key=lambda rung: rung.lr):
        request = _more(rung, plan, rung.lr in twice)
        if request is None:
            continue
        if rung.seeds < FIRST_LOOK and _is_decided(rung):
            confirming.append(request)
        elif open_one is None:
            open_one = request
    return tuple(filter(None, [open_one, *confirming]))


def _is_decided(rung: RungSummary) -> bool:
    """Whether a rung's seeds agree, however few they are."""
    return rung.counts.unanimous and not rung.base_wanted


def _more(rung: RungSummary, plan: SequentialPlan, doubled: bool) -> Request | None:
    """Returns what could settle a rung; None where neither seeds nor steps can, or no more may."""
    if rung.unmoved or rung.not_judged > NOT_JUDGED_AT_MOST or rung.retention.estimate is None:
        return None
    if rung.base_wanted:
        return Request(rung.lr, rung.seeds, doubled, base=True)
    more = next((look for look in plan.looks if look > rung.seeds), None)
    if rung.counts.moving and not doubled and plan.doublings:
        return Request(rung.lr, rung.seeds, doubled=True)
    if more is None:
        return None
    return Request(rung.lr, more, doubled)
