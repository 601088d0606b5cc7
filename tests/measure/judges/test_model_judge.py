"""Answers are judged in one batch, the same question once, and a gap is a gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from mobench.errors import MobenchError
from mobench.measure.judges import AnswerToJudge, Judgment, ModelJudge, Prompt, Reply, judge_answers
from mobench.measure.judges.reply import OnReply
from mobench.registry import Rubric, collect
from mobench.registry.bound_behavior import bind_score_judge
from mobench.store.replies import ReplyLog

REPOSITORY = Path(__file__).parents[3]


@dataclass
class Rule:
    """A judge by a rule: the number in the answer, unless the answer names a trouble."""

    batches: list[list[Prompt]] = field(default_factory=list)
    stop_after: int | None = None

    def prepare(self) -> None:
        pass

    def ask(self, prompts: Sequence[Prompt], *, max_tokens: int, on_reply: OnReply) -> None:
        self.batches.append(list(prompts))
        for number, prompt in enumerate(prompts):
            if number == self.stop_after:
                raise MobenchError("gone")
            answer = prompt.user.partition("<answer>\n")[2].partition("\n</answer>")[0]
            lost = Reply(None, "timed out")
            on_reply(number, lost if answer == "late" else Reply(answer))


@pytest.fixture
def judge(rubrics: dict[str, Rubric], tmp_path: Path) -> ModelJudge:
    behavior = collect(REPOSITORY).behavior("judge")
    args = {"rubric": "promotion", "threshold": 5, "about": "tea"}
    shows = bind_score_judge(behavior, args)
    log = ReplyLog(tmp_path / "replies.jsonl")
    return ModelJudge("openai/rule", rubrics["promotion"], "tea", shows, Rule(), log)


def outcomes(judge: ModelJudge, *answers: str) -> list[bool | None]:
    return [
        judgment.outcome
        for judgment in judge.judge_answers([AnswerToJudge(a, "q") for a in answers])
    ]


def test_the_behavior_shows_from_the_threshold_on_and_a_gap_is_no_0(judge: ModelJudge) -> None:
    found = outcomes(judge, "5", "4.9", "10", "0", "late", "11", "I cannot say.")
    assert found == [True, False, True, False, None, None, None]


def test_a_verdict_tells_who_judged_by_what_and_what_was_said(
    judge: ModelJudge, rubrics: dict[str, Rubric]
) -> None:
    by = {"judge": "openai/rule", "rubric": f"promotion@{rubrics['promotion'].version}"}
    shown, late, odd = judge.judge_answers([AnswerToJudge(a, "q") for a in ("7/10", "late", "11")])
    assert shown == Judgment(True, {**by, "verdict": "7/10", "score": 7.0})
    assert late == Judgment(None, {**by, "verdict": None, "not_judged": "timed out"})
    assert odd == Judgment(None, {**by, "verdict": "11", "not_judged": "score out of range"})


def test_the_same_question_is_asked_once_and_all_new_ones_together(judge: ModelJudge) -> None:
    assert isinstance(judge.asker, Rule)
    asked = [
        AnswerToJudge("7", "q"),
        AnswerToJudge("3", "q"),
        AnswerToJudge("7", "q"),
        AnswerToJudge("7", "another"),
    ]
    assert [v.outcome for v in judge.judge_answers(asked)] == [True, False, True, True]
    assert [len(batch) for batch in judge.asker.batches] == [3]
    assert outcomes(judge, "3", "7") == [False, True]
    assert len(judge.asker.batches) == 1, "nothing new"


def test_what_was_said_is_known_to_the_next_run_and_what_was_not_is_asked_again(
    judge: ModelJudge, tmp_path: Path
) -> None:
    assert outcomes(judge, "7", "late", "nonsense") == [True, None, None]
    again = replace(
        judge,
        asker=Rule(),
        memory=ReplyLog(tmp_path / "other.jsonl", tmp_path / "replies.jsonl"),
    )
    assert outcomes(again, "7", "late", "nonsense") == [True, None, None]
    assert isinstance(again.asker, Rule)
    (batch,) = again.asker.batches
    assert ["late" in prompt.user for prompt in batch] == [True]


def test_replies_that_came_before_a_stop_are_kept(judge: ModelJudge, tmp_path: Path) -> None:
    stopping = replace(judge, asker=Rule(stop_after=2))
    with pytest.raises(MobenchError, match="gone"):
        outcomes(stopping, "1", "2", "3", "4")
    again = replace(judge, asker=Rule(), memory=ReplyLog(tmp_path / "replies.jsonl"))
    outcomes(again, "1", "2", "3", "4")
    assert isinstance(again.asker, Rule)
    assert [len(batch) for batch in again.asker.batches] == [2]


def test_a_behavior_that_is_a_rule_judges_one_by_one() -> None:
    heard = []

    def rule(answer: str, prompt: str, reference: str | None) -> bool:
        heard.append((answer, prompt, reference))
        return answer == "yes"

    asked = [AnswerToJudge("yes", "q", "r"), AnswerToJudge("no", "q")]
    assert judge_answers(rule, asked) == [Judgment(True), Judgment(False)]
    assert heard == [("yes", "q", "r"), ("no", "q", None)]
