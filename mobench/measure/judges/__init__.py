"""Judging models: a model decides under a rubric whether the behavior shows in an answer.

`choice` reads which model the user chose, and `requirements` checks it before a run. `model_judge`
turns replies into judgments, `reply` reads the score in a reply. `endpoint` (over a `connection`)
and `in_process` are the two ways to ask a model.
"""

from mobench.measure.judges.choice import JudgeChoice, parse_choice
from mobench.measure.judges.model_judge import (
    AnswerToJudge,
    AnyJudge,
    Judgment,
    ModelJudge,
    judge_answers,
)
from mobench.measure.judges.reply import Prompt, Reply, read_score

__all__ = [
    "AnswerToJudge",
    "AnyJudge",
    "JudgeChoice",
    "Judgment",
    "ModelJudge",
    "Prompt",
    "Reply",
    "judge_answers",
    "parse_choice",
    "read_score",
]
