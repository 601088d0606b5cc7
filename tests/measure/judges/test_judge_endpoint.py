"""An endpoint over real sockets: whatever it does to one answer, the others are judged."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from support.judge_standin import JudgeServer, Told, said

from mobench.errors import MobenchError
from mobench.measure.judges import JudgeChoice, Prompt, Reply
from mobench.measure.judges.endpoint import Endpoint, Patience

QUICK = Patience(seconds=0.5, tries=3, pause=0.01, longest_pause=0.05, at_once=4, give_up=20)
Does = Callable[[int, dict[str, Any]], Told]


def ask(
    judge: JudgeServer, count: int = 1, patience: Patience = QUICK, **environment: str
) -> list[Reply]:
    choice = JudgeChoice("openai", judge.url, "stand-in")
    prompts = [Prompt("You grade.", f"answer {number}") for number in range(count)]
    heard: dict[int, Reply] = {}
    Endpoint(choice, patience, environment).ask(prompts, max_tokens=5, heard=heard.__setitem__)
    return [heard[number] for number in range(count)]


def test_a_request_is_greedy_short_and_seeded(judge: JudgeServer) -> None:
    judge.does = lambda _, __: said("7")
    assert ask(judge) == [Reply("7")]
    (body,) = judge.asked
    assert body == {
        "model": "stand-in",
        "messages": [
            {"role": "system", "content": "You grade."},
            {"role": "user", "content": "answer 0"},
        ],
        "temperature": 0,
        "max_tokens": 5,
        "seed": 0,
    }
    assert judge.keys == [None]


def test_replies_come_to_their_own_prompts_whichever_is_first(judge: JudgeServer) -> None:
    def slow_for_even(_: int, body: dict[str, Any]) -> Told:
        number = int(body["messages"][1]["content"].split()[1])
        reply = said(str(number))
        return Told(reply.body, wait=0.1 if number % 2 == 0 else 0.0)

    judge.does = slow_for_even
    assert [reply.text for reply in ask(judge, 12)] == [str(number) for number in range(12)]
    assert 2 <= judge.most_at_once <= QUICK.at_once


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        (Told(wait=1.0), "timed out"),
        (Told({"x": "y" * 400}, trickle=0.02), "timed out"),
        (Told(drop=True), "no connection"),
        (Told({"error": "busy"}, status=500), "HTTP 500"),
        (Told({"error": "later"}, status=429), "HTTP 429"),
        (Told({"error": "too long"}, status=400), "HTTP 400"),
        (Told(b"<html>hello</html>"), "not a chat completion"),
        (Told(b""), "not a chat completion"),
        (Told({"choices": []}), "not a chat completion"),
        (Told({"choices": [{"message": "7"}]}), "not a chat completion"),
        (Told({"choices": [{"message": {"content": [7]}}]}), "not a chat completion"),
        (Told(None, status=302, headers={"Location": "/v1/models"}), "HTTP 302"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_answer_without_a_reply_has_a_problem_and_the_next_is_judged(
    judge: JudgeServer, told: Told, problem: str
) -> None:
    def first_badly(_: int, body: dict[str, Any]) -> Told:
        return told if body["messages"][1]["content"] == "answer 0" else said("7")

    judge.does = first_badly
    bad, good = ask(judge, 2)
    assert (bad.text, bad.problem) == (None, problem)
    assert good == Reply("7")


@pytest.mark.parametrize(
    ("told", "tries"),
    [
        (Told(wait=1.0), 3),
        (Told(drop=True), 3),
        (Told({}, status=503), 3),
        (Told({}, status=429), 3),
        (Told({}, status=400), 1),
    ],
    ids=["timeout", "dropped", "503", "429", "400"],
)
def test_only_what_may_pass_is_tried_again_and_not_for_ever(
    judge: JudgeServer, told: Told, tries: int
) -> None:
    judge.does = lambda _, __: told
    ask(judge)
    assert len(judge.asked) == tries


def test_a_server_that_comes_to_itself_is_heard(judge: JudgeServer) -> None:
    judge.does = lambda number, _: said("7") if number == 2 else Told({}, status=503)
    assert ask(judge) == [Reply("7")]


def test_a_server_s_wish_for_a_pause_is_obeyed_within_bounds(judge: JudgeServer) -> None:
    def wishing(seconds: str) -> Does:
        busy = Told({}, status=429, headers={"Retry-After": seconds})
        return lambda number, _: busy if number == 0 else said("7")

    patient = Patience(seconds=5, tries=2, pause=0.0, longest_pause=0.3, at_once=1)
    for wish, least, most in (("0.2", 0.2, 2.0), ("3600", 0.3, 2.0)):
        judge.asked.clear()
        judge.does = wishing(wish)
        started = time.monotonic()
        assert ask(judge, patience=patient) == [Reply("7")]
        assert least <= time.monotonic() - started < most


def test_refusals_are_told_from_answers(judge: JudgeServer) -> None:
    judge.does = lambda _, __: said(None, refusal="I will not grade that.")
    assert ask(judge) == [Reply("I will not grade that.", "refused")]
    judge.does = lambda _, __: said("7", ended="content_filter")
    assert ask(judge) == [Reply("7", "refused")]
    judge.does = lambda _, __: said("The answer is", ended="length")
    assert ask(judge) == [Reply("The answer is", cut=True)]
    judge.does = lambda _, __: said(None)
    assert ask(judge) == [Reply("")]


def test_a_judge_that_is_gone_ends_the_asking_and_keeps_what_came(judge: JudgeServer) -> None:
    """Hours of waiting would end in nothing but gaps."""
    gone = Patience(seconds=0.5, tries=1, pause=0.01, at_once=2, give_up=5)
    judge.does = lambda number, _: said("7") if number < 3 else Told({"error": "ill"}, status=500)
    choice = JudgeChoice("openai", judge.url, "stand-in")
    heard: dict[int, Reply] = {}
    prompts = [Prompt("", str(number)) for number in range(200)]
    with pytest.raises(MobenchError, match=r"5 requests in a row without a reply.*HTTP 500.*ill"):
        Endpoint(choice, gone, {}).ask(prompts, max_tokens=5, heard=heard.__setitem__)
    assert sum(reply.text == "7" for reply in heard.values()) == 3
    assert len(judge.asked) < 20


def test_a_single_gap_now_and_then_does_not_end_the_asking(judge: JudgeServer) -> None:
    patience = Patience(seconds=0.5, tries=1, pause=0.01, at_once=1, give_up=3)
    judge.does = lambda number, _: said("7") if number % 3 == 2 else Told({}, status=500)
    replies = ask(judge, 30, patience)
    assert sum(reply.text == "7" for reply in replies) == 10


@pytest.mark.parametrize(("status", "what"), [(401, "wants a key"), (403, "wants a key")])
def test_a_missing_key_ends_the_asking_at_once(judge: JudgeServer, status: int, what: str) -> None:
    judge.does = lambda _, __: Told({"error": "who are you?"}, status=status)
    with pytest.raises(MobenchError, match=what):
        ask(judge, 3)


def test_a_wrong_key_is_not_repeated(judge: JudgeServer) -> None:
    judge.does = lambda _, __: Told({"error": "Incorrect API key sk-s3cret"}, status=401)
    with pytest.raises(MobenchError, match="does not take the key") as told:
        ask(judge, MOBENCH_JUDGE_KEY="sk-s3cret")
    assert "s3cret" not in str(told.value)
    judge.does = lambda _, __: Told({"error": "bad request of sk-s3cret"}, status=400)
    (reply,) = ask(judge, MOBENCH_JUDGE_KEY="sk-s3cret")
    assert "bad request" in reply.detail
    assert "s3cret" not in reply.detail
    assert "bad request" not in json.dumps(reply.record())


def test_an_address_without_chat_completions_is_an_error(judge: JudgeServer) -> None:
    judge.url = judge.url.removesuffix("/v1")
    with pytest.raises(MobenchError, match="mostly ends in /v1"):
        ask(judge)


def test_the_own_key_comes_before_the_general_one(judge: JudgeServer) -> None:
    ask(judge, OPENAI_API_KEY="general")
    ask(judge, OPENAI_API_KEY="general", MOBENCH_JUDGE_KEY="own")
    assert judge.keys == ["Bearer general", "Bearer own"]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://example.com/v1", "general"),
        ("http://example.com/v1", ""),
        ("http://127.0.0.1/v1", "general"),
    ],
)
def test_the_general_key_goes_to_protected_places_only(address: str, told: str) -> None:
    choice = JudgeChoice("openai", address, "m")
    assert Endpoint(choice, QUICK, {"OPENAI_API_KEY": "general"})._key == told
    assert Endpoint(choice, QUICK, {"MOBENCH_JUDGE_KEY": "own"})._key == "own"


def check(judge: JudgeServer, model: str = "stand-in") -> None:
    Endpoint(JudgeChoice("openai", judge.url, model), QUICK, {}).check()


def test_a_judge_is_looked_for_before_anything_is_built(judge: JudgeServer) -> None:
    check(judge)
    with pytest.raises(MobenchError, match="Did you mean 'stand-in'"):
        check(judge, "standin")
    judge.models = None
    check(judge, "whatever")
    judge.model_list = Told(b"<html>")
    check(judge, "whatever")
    judge.model_list = Told({}, status=401)
    with pytest.raises(MobenchError, match="wants a key"):
        check(judge)
    judge.model_list = Told(wait=1.0)
    with pytest.raises(MobenchError, match="timed out"):
        check(judge)
    judge.url = "http://127.0.0.1:9/v1"
    with pytest.raises(MobenchError, match="no judge answers"):
        check(judge)
