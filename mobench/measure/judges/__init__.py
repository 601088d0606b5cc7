"""Judging models: whether the behavior shows in an answer, said by a model under a rubric.

`choice` is what a user asks for, `reply` what a judging model says and how its score is read,
`model_judge` turns replies into verdicts, `endpoint` and `in_process` are who is asked.
"""

from mobench.measure.judges.choice import JudgeChoice, parse_choice
from mobench.measure.judges.model_judge import AnyJudge, Asked, ModelJudge, Verdict, verdicts
from mobench.measure.judges.reply import Prompt, Reply, read_score

__all__ = [
    "AnyJudge",
    "Asked",
    "JudgeChoice",
    "ModelJudge",
    "Prompt",
    "Reply",
    "Verdict",
    "parse_choice",
    "read_score",
    "verdicts",
]
