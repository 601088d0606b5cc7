"""Results that are the same answers under another name.

A run that is added twice looks like two that agree, and a toy's answers under a large model's name
look like a large model. Whatever is changed in a manifest, the answers stay what they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from hashlib import sha256

from mobench.publish.submission.files import Submission
from mobench.records.cells import arm_of
from mobench.records.names import LADDER, ORGANISM
from mobench.records.rows import Row
from mobench.records.short_hash import hash_of

LEAST_CHANGED = 2
"""Rungs that must have changed answers before two seeds that agree are copies.

At one rung a short training can teach two seeds the very same answers.
"""


@dataclass(frozen=True)
class Said:
    """What a ladder's cells said, by hashes.

    Attributes:
        cells: A hash of each cell's answers, by learning rate and seed.
        changed: The cells of them that said anything else than the organism before training.
    """

    cells: Mapping[tuple[float, int], str]
    changed: Set[tuple[float, int]]

    @property
    def whole(self) -> str:
        """A hash of all of it, in order of learning rate and seed."""
        ordered = [self.cells[place] for place in sorted(self.cells)]
        return hash_of("".join(ordered).encode())

    @property
    def copied_seeds(self) -> list[str]:
        """Seeds that said the very same at every rung, a sentence for each.

        Two seeds see the examples in another order. Where training changes no answer they say the
        same; at all rungs of a ladder, at least two of which changed answers, no two do.
        """
        rungs = sorted({lr for lr, _ in self.cells})
        by_seed: dict[int, list[tuple[float, str]]] = {}
        for (lr, seed), said in sorted(self.cells.items()):
            by_seed.setdefault(seed, []).append((lr, said))
        first: dict[str, int] = {}
        found = []
        for seed, said_by in sorted(by_seed.items()):
            if len(said_by) < max(2, len(rungs)):
                continue
            other = first.setdefault(repr(said_by), seed)
            changed = sum((lr, seed) in self.changed for lr, _ in said_by)
            if other != seed and changed >= LEAST_CHANGED:
                found.append(f"seed {seed} said at every rung what seed {other} said")
        return found


def said_by(submission: Submission) -> Said:
    """Hashes what each of the ladder's cells said, whatever the cells and prompts are called.

    Args:
        submission: A result.
    """
    ladder = {cell["id"]: cell for cell in submission.cells if arm_of(cell) == LADDER}
    said = {identity: sha256() for identity in ladder}
    before: dict[tuple[object, ...], tuple[object, ...]] = {}
    for row in submission.rows:
        if row["cell"] == ORGANISM:
            before[_question(row)] = (row["outcome"], row.get("answer"))
    changed = set()
    for row in submission.rows:
        digest = said.get(row["cell"])
        if digest is None:
            continue
        what = (row["outcome"], row.get("answer"))
        digest.update(repr((row["step"], row["kind"], *what)).encode("utf-8", "surrogatepass"))
        if what != before.get(_question(row)):
            changed.add(row["cell"])
    places = {identity: (cell["lr"], cell["seed"]) for identity, cell in ladder.items()}
    return Said(
        {places[identity]: digest.hexdigest() for identity, digest in said.items()},
        {places[identity] for identity in changed},
    )


def _question(row: Row) -> tuple[object, ...]:
    return row["kind"], row.get("task"), row["prompt"], row.get("draw")


def copies(results: Sequence[tuple[Submission, str]]) -> dict[str, str]:
    """Finds results whose answers another one has too.

    Two tasks can come to the same training, as an organism's own answers and the right ones do
    where it is right: then the same weights say the same to the last letter. So they do where
    another model judges.

    Args:
        results: Each with the hash of its answers, in the order of the board.

    Returns:
        What is wrong with each that is a copy, by its place: all but the first.
    """
    first: dict[str, Submission] = {}
    found = {}
    for one, said in results:
        other = first.setdefault(said, one)
        if other is one or (_asked(one) != _asked(other) and _weights(one) == _weights(other)):
            continue
        found[one.place] = f"its answers are those of {other.place}, one by one"
    return found


def _asked(result: Submission) -> tuple[str, str | None]:
    """What was trained on, and who judged."""
    judge = result.manifest.judge
    return result.task, None if judge is None else judge.identity


def _weights(result: Submission) -> tuple[object, ...]:
    """Which model a ladder begins with."""
    return result.manifest.organism.name, result.manifest.organism.weights_hash
