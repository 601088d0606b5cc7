"""Whether a run came to the end of its plan, by its rows and not by what its manifest says."""

from __future__ import annotations

from mobench.plan.sequential import Request, SequentialPlan, next_requests
from mobench.records.learning_rates import lr_text
from mobench.records.manifest import Manifest
from mobench.score import RunScore
from mobench.score.rung_summary import summary_of


def still_asked(score: RunScore, manifest: Manifest) -> tuple[Request, ...]:
    """Returns what the plan asks for on top of what a run was given.

    Whoever stops where the numbers look best has chosen among looks, and may have written
    ``finished`` beside it. The looks before the last one are not replayed: cells of a budget that
    was doubled since are no part of a result.

    Args:
        score: Of all its rows.
        manifest: Its manifest. Where low rungs were extended, those cells have taken the place of
            what the plan looked at, and nothing is returned.
    """
    plan = manifest.plan
    if plan is None or not score.admitted or manifest.extensions:
        return ()
    twice = [rung.lr for rung in plan.grown if rung.steps != manifest.ladder.steps]
    requests = next_requests(
        [summary_of(rung, score.epsilon) for rung in score.rungs],
        SequentialPlan(plan.seeds, tuple(plan.looks), plan.doublings),
        standard_lr=manifest.ladder.standard_lr,
        doubled=twice,
    )
    return tuple(request for request in requests if not _was_met(request, manifest))


def asked_text(requests: tuple[Request, ...], manifest: Manifest) -> str:
    """Returns what is asked for, in words.

    Args:
        requests: What the plan asks for.
        manifest: The run's.
    """
    return "; ".join(_text(request, manifest) for request in requests)


def _text(request: Request, manifest: Manifest) -> str:
    budget = manifest.ladder.steps
    what = f"{request.seeds} seeds"
    if request.base:
        what += " of the clean base"
    if request.doubled and budget is not None:
        what += f" for {2 * budget} steps"
    return f"{what} at {lr_text(request.lr)}"


def _was_met(request: Request, manifest: Manifest) -> bool:
    """Whether a run has what is asked for.

    It is asked for again where a seed has no answers that count, or a base cannot tell.
    """
    plan = manifest.plan
    assert plan is not None
    grown = next((rung for rung in plan.grown if rung.lr == request.lr), None)
    if grown is None:
        return not request.doubled and not request.base and request.seeds <= plan.seeds
    doubled = grown.steps != manifest.ladder.steps
    if request.seeds > grown.seeds or request.doubled != doubled:
        return False
    return not request.base or grown.base >= request.seeds
