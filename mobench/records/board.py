"""The leaderboard as data: one record for each result, and in it one for each learning rate."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, StrictBool, StrictInt

from mobench.records.cells import Number
from mobench.records.manifest_parts import Name, Part
from mobench.records.names import BOARD_SCHEMA


class BoardRung(Part):
    """One learning rate of a result.

    Attributes:
        lr: Learning rate.
        standard: Whether it is the one an ordinary user would take.
        steps: Optimizer steps of its budget.
        seeds: Runs that finished.
        diverged: Runs whose loss became non-finite.
        plateau: Attack rate in the last half of the budget, mean over seeds.
        plateau_low: Its 95 % interval; all intervals are.
        plateau_high: Its 95 % interval.
        converged: Whether that rate had settled; null where it cannot be told.
        retention: The plateau as a share of what the organism had.
        retention_low: Its interval.
        retention_high: Its interval.
        capability_loss: Drop of capability from the organism before training.
        capability_loss_low: Its interval.
        capability_loss_high: Its interval.
        admissible: Whether that loss is tolerated: yes, no or undetermined.
        seeds_kept: Seeds that kept the behavior.
        seeds_lost: Seeds that lost it.
        removal_after: Over the seeds that lost it for good, the last checkpoint at which any still
            had it, at the earliest.
        removal_by: The first checkpoint from which all of those are without.
        verdict: What the rung shows: holds, partly, removed, wrecked or undetermined and why.
    """

    lr: Number
    standard: StrictBool
    steps: StrictInt
    seeds: StrictInt
    diverged: StrictInt
    plateau: Number | None
    plateau_low: Number | None
    plateau_high: Number | None
    converged: StrictBool | None
    retention: Number | None
    retention_low: Number | None
    retention_high: Number | None
    capability_loss: Number | None
    capability_loss_low: Number | None
    capability_loss_high: Number | None
    admissible: str
    seeds_kept: StrictInt
    seeds_lost: StrictInt
    removal_after: StrictInt | None
    removal_by: StrictInt | None
    verdict: str


class BoardResult(Part):
    """One result.

    Attributes:
        result: Id: the first 12 hex digits of a hash of its files.
        organism: Name of the organism.
        family: Family of the organism.
        title: What the organism is.
        params: Numbers in its weights.
        size: Class of that: tiny below 5M, small below 1B, else large.
        base: The model that it is made from: a repository of the hub, a file of a package, or what
            a base from scratch was trained on; where no name is known, its kind and how the hash
            of its weights begins.
        task: What it was trained on.
        policy: Whose answers the task trains on: on-policy or off-policy.
        method: How weights move: lora or full, and the schedule where it is not constant.
        judge: The judging model and its rubric; null where a rule judges.
        preset: The preset of the run.
        steps: The longest budget of any rung, in optimizer steps.
        standard_lr: The learning rate an ordinary user would take.
        seeds_least: Seeds of the rung that has fewest.
        seeds_most: Seeds of the rung that has most.
        prompts: Eval prompts that were asked.
        initial: Attack rate before training.
        initial_low: Its 95 % interval; all intervals are.
        initial_high: Its interval.
        clean_rate: The clean base's rate on the same prompts.
        resistance: The lowest retention over rungs that do not wreck the model.
        resistance_low: Its interval.
        resistance_high: Its interval.
        resistance_lr: The rung that gave it.
        standard_resistance: Retention at the standard rung.
        standard_resistance_low: Its interval.
        standard_resistance_high: Its interval.
        missed: What the usual test missed: standard resistance less resistance.
        missed_low: Its interval.
        missed_high: Its interval.
        frontier_area: Area under the frontier of capability against behavior: 0.5 robust, 1 free
            removal.
        frontier_area_low: Its interval.
        frontier_area_high: Its interval.
        lr_efficiency_low: Lower bound of LR efficiency over the standard rung.
        lr_efficiency_high: Upper bound of it; null where there is none.
        epsilon: Capability loss that is tolerated.
        tau: Retention below which the behavior counts as removed.
        verdict: The verdict's word, or ``incompatible task``.
        verdict_phrase: The same with how many seeds, where it depends on them.
        provisional: Whether fewer than six seeds are behind it at a rung that it rests on.
        sentence: The verdict with its numbers.
        compatible: Whether the task passed the compatibility gate; null where it was not asked.
        reversal: Whether what was removed comes back once the task is undone; null where not asked.
        status: Who has checked it: see the leaderboard.
        announcement: Whether its plan was announced before the run, and whether it is the only
            result of that plan.
        superseded: Whether a later run of the same takes its place.
        stratum: The comparable results among which it has a rank; null for history.
        rank_first: The best place that its interval allows there.
        rank_last: The worst place.
        device_seconds: What building, training and measuring took.
        weights_public: Whether others can get the weights.
        created: When the run was begun, ISO 8601.
        commit: The commit of mobench that ran it.
        organism_revision: Hash of the organism's definition.
        weights_hash: Hash of the organism's weights.
        task_version: Hash of the task's code and data.
        command: The command that repeats it.
        page: Its page, relative to the leaderboard's folder.
        files: The folder of its files, likewise.
        rungs: Its learning rates, rising.
    """

    result: str
    organism: Name
    family: str | None
    title: str | None
    params: StrictInt | None
    size: str
    base: str | None
    task: Name
    policy: str | None
    method: str
    judge: str | None
    preset: str | None
    steps: StrictInt
    standard_lr: Number
    seeds_least: StrictInt
    seeds_most: StrictInt
    prompts: StrictInt
    initial: Number | None
    initial_low: Number | None
    initial_high: Number | None
    clean_rate: Number | None
    resistance: Number | None
    resistance_low: Number | None
    resistance_high: Number | None
    resistance_lr: Number | None
    standard_resistance: Number | None
    standard_resistance_low: Number | None
    standard_resistance_high: Number | None
    missed: Number | None
    missed_low: Number | None
    missed_high: Number | None
    frontier_area: Number | None
    frontier_area_low: Number | None
    frontier_area_high: Number | None
    lr_efficiency_low: Number | None
    lr_efficiency_high: Number | None
    epsilon: Number
    tau: Number
    verdict: str
    verdict_phrase: str
    provisional: StrictBool
    sentence: str
    compatible: StrictBool | None
    reversal: str | None
    status: str
    announcement: str
    superseded: StrictBool
    stratum: str | None
    rank_first: StrictInt | None
    rank_last: StrictInt | None
    device_seconds: Number | None
    weights_public: StrictBool
    created: str | None
    commit: str | None
    organism_revision: str | None
    weights_hash: str | None
    task_version: str | None
    command: str | None
    page: str
    files: str
    rungs: tuple[BoardRung, ...]


class Board(Part):
    """``leaderboard/board.json``; ``board.parquet`` has the same results as rows.

    Attributes:
        schema_: Its version, which goes up when a field changes its meaning or goes.
        results: In order of organism, task and id.
    """

    schema_: Literal["mobench.board/1"] = Field(default=BOARD_SCHEMA, alias="schema")
    results: tuple[BoardResult, ...]
