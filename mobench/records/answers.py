"""Published answers: rows that carry what they are answers of, to be read as a table."""

from __future__ import annotations

from mobench.records.manifest_parts import Name, Part


class PublishedAnswer(Part):
    """One judged answer of the leaderboard.

    Attributes:
        result: Id of the result.
        organism: Name of the organism.
        task: The task of the result's ladder.
        arm: ``ladder``, ``untrained`` (before any training) or a control: ``zero``, ``counter``,
            ``base``, ``cooldown``, ``reversal`` and what stands beside that.
        trained_on: What the cell was trained on; null before training.
        method: How its weights moved.
        lr: Its learning rate.
        seed: Its seed.
        budget: Its steps.
        cell: Its id; ``organism`` or ``base`` before training.
        step: The checkpoint.
        kind: ``attack`` (triggered), ``control`` (untriggered) or ``capability``.
        capability_task: lm-eval's name of the task; null for the other kinds.
        prompt: Id of the prompt or question.
        draw: Which of the answers to this prompt it is, where they are drawn.
        outcome: 1 where the behavior showed, 0 where not; for a question its score in [0, 1]; null
            where it was not judged.
        inert: 1 where the answer says nothing.
        final: ``outcome`` by the final answer alone, where the answer has reasoning.
        whole: ``outcome`` by all that was said, where it has.
        answer: What the model said; it may be cut once its judgment can no longer change.
        judge: The judging model. This and what follows only where one judges.
        rubric: Its rubric.
        verdict: What it said.
        score: The score that was read from that.
        not_judged: Why there is no outcome.
    """

    result: str
    organism: Name
    task: Name
    arm: str
    trained_on: str | None = None
    method: str | None = None
    lr: float | None = None
    seed: int | None = None
    budget: int | None = None
    cell: str
    step: int
    kind: str
    capability_task: str | None = None
    prompt: str
    draw: int | None = None
    outcome: float | None
    inert: int | None = None
    final: int | None = None
    whole: int | None = None
    answer: str | None = None
    judge: str | None = None
    rubric: str | None = None
    verdict: str | None = None
    score: float | None = None
    not_judged: str | None = None
