"""What both sides of the measuring benchmark are asked: checkpoints on disk, prompts in tokens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mobench.execute.ladder import Ladder
from mobench.lanes import saved_config, stacked
from mobench.store import CellFolder
from mobench.train.batches import encode
from mobench.train.pack import Recipe, Run, train_pack

RUNGS, STEPS = 5, 2
"""Runs are trained for a few steps, so that each answers in its own way."""

Answers = list[list[list[int]]]  # [checkpoints][prompts][tokens]


@dataclass(frozen=True)
class Work:
    """The question of the benchmark, as a file that every side reads.

    Attributes:
        organism: Folder of the organism.
        checkpoints: Folders of adapters, as PEFT saves them, or of whole weights.
        method: Which of the two: ``lora`` or ``full``.
        rank: LoRA rank; None for ``full``.
        messages: What the user says, one for each prompt.
        prompts: Token ids of each prompt.
        dtype: Precision of the model.
        device: A torch device.
        eos: Token id that ends an answer.
        pad: Token id to pad with.
        max_new_tokens: Length at which an answer is cut.
        repeats: How often transformers answers everything.
    """

    organism: str
    checkpoints: tuple[str, ...]
    method: str
    rank: int | None
    messages: tuple[str, ...]
    prompts: tuple[tuple[int, ...], ...]
    dtype: str
    device: str
    eos: int
    pad: int
    max_new_tokens: int
    repeats: int

    def write(self, path: Path) -> None:
        """Writes it to a file."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Work:
        """Reads it from a file."""
        given = json.loads(path.read_text(encoding="utf-8"))
        lists = {key: tuple(value) for key, value in given.items() if isinstance(value, list)}
        return cls(**{**given, **lists, "prompts": tuple(map(tuple, given["prompts"]))})


def make_checkpoints(ladder: Ladder, folder: Path, count: int, method: str) -> list[Path]:
    """Trains runs on the organism's rungs, seed by seed, and keeps one checkpoint of each.

    Args:
        ladder: The organism and its examples.
        folder: Where they are kept.
        count: How many.
        method: ``lora`` or ``full``.
    """
    from mobench.assemble.loading import load_model

    spec, preset = ladder.request.spec, ladder.request.preset
    rungs = preset.rungs[:RUNGS]
    runs = [Run(rungs[n % len(rungs)], n // len(rungs)) for n in range(count)]
    rank = spec.ladder.rank if method == "lora" else None
    alpha = None if rank is None else float(2 * rank)
    examples = encode(ladder.examples, ladder.suite.chat, spec.ladder.max_length)
    found = []
    for start in range(0, count, RUNGS):
        mine = runs[start : start + RUNGS]
        model = load_model(ladder.organism.folder, dtype=spec.dtype, device=ladder.request.device)
        lanes = stacked(model, method, [run.seed for run in mine], rank=rank, alpha=alpha)
        train_pack(
            lanes,
            mine,
            examples,
            Recipe(STEPS, preset.batch_size),
            pad=ladder.suite.chat.pad_id,
        )
        for lane in range(len(mine)):
            cell = CellFolder(folder / f"run-{start + lane}")
            cell.keep_adapter(STEPS, lanes.state(lane), saved_config(lanes))
            found.append(cell.adapter(STEPS))
    return found


def alike(mine: Answers, theirs: Answers) -> float:
    """Share of answers that are the same token by token."""
    pairs = [
        (one, other)
        for left, right in zip(mine, theirs, strict=True)
        for one, other in zip(left, right, strict=True)
    ]
    return sum(one == other for one, other in pairs) / len(pairs)


def tokens(answers: Sequence[Sequence[Sequence[int]]]) -> int:
    """Tokens of all answers, the ending one not counted."""
    return sum(len(answer) for lane in answers for answer in lane)
