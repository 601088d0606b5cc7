"""Every result of a leaderboard as one record: what pages print, for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mobench.publish.pages.entry import Entry, with_history
from mobench.publish.pages.front_page import INCOMPATIBLE
from mobench.publish.pages.number_format import HasInterval
from mobench.publish.pages.strata import strata
from mobench.records.board import Board, BoardResult, BoardRung
from mobench.registry.preset_defaults import size_class
from mobench.score import RankRange, RungScore

_HASH_DIGITS = 8


def board_of(entries: Sequence[Entry]) -> Board:
    """Makes the leaderboard's record.

    Args:
        entries: All of its results.
    """
    marked = with_history(sorted(entries, key=lambda entry: entry.submission.place))
    places: dict[str, tuple[str, RankRange | None]] = {}
    for stratum in strata([entry for entry in marked if not entry.superseded]):
        for entry, rank in zip(stratum.entries, stratum.places, strict=True):
            places[entry.submission.place] = stratum.title, rank
    bases = _base_names(marked)
    return Board(results=tuple(_result(entry, places, bases) for entry in marked))


def _result(
    entry: Entry, places: Mapping[str, tuple[str, RankRange | None]], bases: Mapping[str, str]
) -> BoardResult:
    score, manifest, submission = entry.score, entry.manifest, entry.submission
    stratum, rank = places.get(submission.place, (None, None))
    seeds = [rung.seeds + rung.diverged for rung in score.rungs]
    compatible = score.compatible is not False
    reversal = score.reversal
    efficiency = score.efficiency
    return BoardResult(
        result=submission.id,
        organism=submission.organism,
        family=manifest.organism.family,
        title=manifest.organism.title,
        params=manifest.organism.params,
        size=size_class(manifest.organism.params or 0),
        base=_base(entry, bases),
        task=submission.task,
        policy=manifest.task.policy,
        method=entry.method,
        judge=entry.judge,
        preset=manifest.preset,
        steps=score.steps,
        standard_lr=manifest.ladder.standard_lr,
        seeds_least=min(seeds),
        seeds_most=max(seeds),
        prompts=entry.prompts,
        clean_rate=_rounded(score.clean_rate),
        **_interval("initial", score.initial),
        **_interval("resistance", score.resistance),
        resistance_lr=score.resistance_lr,
        **_interval("standard_resistance", score.standard_resistance),
        **_interval("missed", score.difference),
        **_interval("frontier_area", score.frontier),
        lr_efficiency_low=_rounded(efficiency.low if efficiency else None),
        lr_efficiency_high=_rounded(efficiency.high if efficiency else None),
        epsilon=score.epsilon,
        tau=score.tau,
        verdict=score.verdict.word if compatible else INCOMPATIBLE,
        verdict_phrase=score.verdict.phrase if compatible else INCOMPATIBLE,
        provisional=score.verdict.provisional,
        sentence=score.verdict.sentence,
        compatible=score.compatible,
        reversal=None if reversal is None else reversal.word,
        status=entry.standing.status,
        announcement=entry.announcement,
        superseded=entry.superseded,
        stratum=stratum,
        rank_first=None if rank is None else rank.first,
        rank_last=None if rank is None else rank.last,
        device_seconds=None if score.cost is None else score.cost.run_seconds,
        weights_public=not manifest.local_parts,
        created=manifest.created,
        commit=manifest.git.commit if manifest.git else None,
        organism_revision=manifest.organism.revision,
        weights_hash=manifest.organism.weights_hash,
        task_version=manifest.task.version,
        command=manifest.command,
        page=f"{entry.page}#{submission.id}",
        files=f"results/{submission.place}",
        rungs=tuple(_rung(rung, score.epsilon) for rung in score.rungs),
    )


def _rung(rung: RungScore, epsilon: float) -> BoardRung:
    gone = [one for one in rung.removals if one.low is not None and one.high is not None]
    return BoardRung(
        lr=rung.lr,
        standard=rung.standard,
        steps=rung.steps,
        seeds=rung.seeds,
        diverged=rung.diverged,
        **_interval("plateau", rung.plateau),
        converged=rung.plateau.converged,
        **_interval("retention", rung.retention),
        **_interval("capability_loss", rung.capability_loss),
        admissible=rung.admissible.get(f"{epsilon:g}", "undetermined"),
        seeds_kept=rung.kept,
        seeds_lost=rung.lost,
        removal_after=min((one.low for one in gone if one.low is not None), default=None),
        removal_by=max((one.high for one in gone if one.high is not None), default=None),
        verdict=rung.verdict,
    )


def _interval(name: str, value: HasInterval | None) -> dict[str, float | None]:
    """Three fields: an estimate and its two ends; nothing where an estimate has none."""
    shown = value is not None and value.low is not None and value.high is not None
    return {
        name: _rounded(value.estimate) if value is not None and shown else None,
        f"{name}_low": _rounded(value.low) if value is not None and shown else None,
        f"{name}_high": _rounded(value.high) if value is not None and shown else None,
    }


def _rounded(value: float | None) -> float | None:
    """Four decimals, so that the last bits of a float never change the file."""
    return None if value is None else round(value, 4) + 0.0


def _base_names(entries: Sequence[Entry]) -> dict[str, str]:
    """Names of bases by the hash of their weights, from all results that can be trusted for it."""
    named = sorted(
        (entry.base, str(weights))
        for entry in entries
        if entry.base is not None
        and entry.standing.ranked
        and (weights := (entry.manifest.base or {}).get("weights_hash"))
    )
    # Where the same weights have two names, the first by the alphabet stays, on every machine.
    return {weights: name for name, weights in reversed(named)}


def _base(entry: Entry, names: Mapping[str, str]) -> str | None:
    """A base's name: its organism's, or that of the same weights; else its kind and their hash."""
    base = entry.manifest.base or {}
    weights = str(base.get("weights_hash") or "")
    name = entry.base or names.get(weights)
    if name is not None:
        return name
    parts = [base.get("kind"), weights[:_HASH_DIGITS]]
    return " ".join(str(part) for part in parts if part) or None
