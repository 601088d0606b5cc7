"""An endpoint over real sockets: whatever it does to one answer, the others are judged."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.judge_standin import JudgeServer, Response, completion, judge_server

from mobench.errors import MobenchError
from mobench.measure.judges import JudgeChoice, Prompt, Reply
from mobench.measure.judges.endpoint import Endpoint, Patience

QUICK = Patience(seconds=0.5, tries=3, pause=0.01, longest_pause=0.05, at_once=4, give_up=20)
Does = Callable[[int, dict[str, Any]], Response]


def ask(
    judge: JudgeServer, count: int = 1, patience: Patience = QUICK, **environment: str
) -> list[Reply]:
    choice = JudgeChoice("openai", judge.url, "stand-in")
    prompts = [Prompt("You grade.", f"answer {number}") for number in range(count)]
    replies: dict[int, Reply] = {}
    endpoint = Endpoint(choice, choice.key(environment), patience)
    endpoint.ask(prompts, max_tokens=5, on_reply=replies.__setitem__)
    return [replies[number] for number in range(count)]


def test_a_request_is_greedy_short_and_seeded(judge: JudgeServer) -> None:
    judge.does = lambda _, __: completion("7")
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


def test_an_answer_with_half_a_surrogate_pair_is_sent_as_it_is(judge: JudgeServer) -> None:
    choice = JudgeChoice("openai", judge.url, "stand-in")
    prompts = [Prompt("You grade.", "\ud83d é 😀")]
    Endpoint(choice, "", QUICK).ask(prompts, max_tokens=5, on_reply=lambda _, __: None)
    assert judge.asked[0]["messages"][1]["content"] == "\ud83d é 😀"


def test_no_prompts_make_no_request(judge: JudgeServer) -> None:
    assert ask(judge, 0) == []
    assert judge.asked == []


def test_replies_come_to_their_own_prompts_whichever_is_first(judge: JudgeServer) -> None:
    def slow_for_even(_: int, body: dict[str, Any]) -> Response:
        number = int(body["messages"][1]["content"].split()[1])
        reply = completion(str(number))
        return Response(reply.body, wait=0.1 if number % 2 == 0 else 0.0)

    judge.does = slow_for_even
    assert [reply.text for reply in ask(judge, 12)] == [str(number) for number in range(12)]
    assert 2 <= judge.most_at_once <= QUICK.at_once


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        (Response(wait=1.0), "timed out"),
        (Response({"x": "y" * 400}, trickle=0.02), "timed out"),
        (Response({"x": "y"}, head_trickle=0.1), "timed out"),
        (Response({"x": "y" * (1 << 20)}), "reply too large"),
        (Response(drop=True), "no connection"),
        (Response({"error": "busy"}, status=500), "HTTP 500"),
        (Response({"error": "later"}, status=429), "HTTP 429"),
        (Response({"error": "too long"}, status=400), "HTTP 400"),
        (Response(b"<html>hello</html>"), "not a chat completion"),
        (Response(b""), "not a chat completion"),
        (Response({"choices": []}), "not a chat completion"),
        (Response({"choices": [{"message": "7"}]}), "not a chat completion"),
        (Response({"choices": [{"message": {"content": [7]}}]}), "not a chat completion"),
        (Response(None, status=302, headers={"Location": "/v1/models"}), "HTTP 302"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_answer_without_a_reply_has_a_problem_and_the_next_is_judged(
    judge: JudgeServer, response: Response, problem: str
) -> None:
    def first_badly(_: int, body: dict[str, Any]) -> Response:
        return response if body["messages"][1]["content"] == "answer 0" else completion("7")

    judge.does = first_badly
    bad, good = ask(judge, 2)
    assert (bad.text, bad.problem) == (None, problem)
    assert good == Reply("7")


DRIPS = (Response({"x": "y" * 40}, head_trickle=0.1), Response({"x": "y" * 400}, trickle=0.1))


@pytest.mark.parametrize("drip", DRIPS, ids=["head", "body"])
def test_a_judge_that_drips_is_left_at_the_deadline_of_each_request(
    judge: JudgeServer, drip: Response
) -> None:
    """Every byte comes in time, and the whole would take seven seconds or more."""
    judge.does = lambda _, __: drip
    started = time.monotonic()
    (reply,) = ask(judge, patience=Patience(seconds=0.3, tries=2, pause=0.01))
    assert (reply.text, reply.problem) == (None, "timed out")
    assert 0.6 <= time.monotonic() - started < 5.0


@pytest.mark.parametrize("drip", DRIPS, ids=["head", "body"])
def test_a_list_of_models_that_drips_is_left_at_the_deadline(
    judge: JudgeServer, drip: Response
) -> None:
    judge.model_list = drip
    started = time.monotonic()
    with pytest.raises(MobenchError, match="timed out"):
        check(judge)
    assert QUICK.seconds <= time.monotonic() - started < 5.0


@pytest.mark.parametrize(
    ("response", "tries"),
    [
        (Response(wait=1.0), 3),
        (Response(drop=True), 3),
        (Response({}, status=503), 3),
        (Response({}, status=429), 3),
        (Response({}, status=400), 1),
    ],
    ids=["timeout", "dropped", "503", "429", "400"],
)
def test_only_what_may_pass_is_tried_again_and_not_for_ever(
    judge: JudgeServer, response: Response, tries: int
) -> None:
    judge.does = lambda _, __: response
    ask(judge)
    assert len(judge.asked) == tries


def test_a_server_that_comes_to_itself_is_heard(judge: JudgeServer) -> None:
    judge.does = lambda number, _: completion("7") if number == 2 else Response({}, status=503)
    assert ask(judge) == [Reply("7")]


def test_a_server_s_wish_for_a_pause_is_obeyed_within_bounds(judge: JudgeServer) -> None:
    def wishing(seconds: str) -> Does:
        busy = Response({}, status=429, headers={"Retry-After": seconds})
        return lambda number, _: busy if number == 0 else completion("7")

    patient = Patience(seconds=5, tries=2, pause=0.0, longest_pause=0.3, at_once=1)
    for wish, least, most in (("0.2", 0.2, 2.0), ("3600", 0.3, 2.0)):
        judge.asked.clear()
        judge.does = wishing(wish)
        started = time.monotonic()
        assert ask(judge, patience=patient) == [Reply("7")]
        assert least <= time.monotonic() - started < most


def test_refusals_are_told_from_answers(judge: JudgeServer) -> None:
    judge.does = lambda _, __: completion(None, refusal="I will not grade that.")
    assert ask(judge) == [Reply("I will not grade that.", "refused")]
    judge.does = lambda _, __: completion("7", ended="content_filter")
    assert ask(judge) == [Reply("7", "refused")]
    judge.does = lambda _, __: completion("The answer is", ended="length")
    assert ask(judge) == [Reply("The answer is", cut=True)]
    judge.does = lambda _, __: completion(None)
    assert ask(judge) == [Reply("")]


def test_a_judge_that_is_gone_ends_the_asking_and_keeps_what_came(judge: JudgeServer) -> None:
    """Hours of waiting would end in nothing but gaps."""
    gone = Patience(seconds=0.5, tries=1, pause=0.01, at_once=2, give_up=5)
    judge.does = lambda number, _: (
        completion("7") if number < 3 else Response({"error": "ill"}, status=500)
    )
    choice = JudgeChoice("openai", judge.url, "stand-in")
    replies: dict[int, Reply] = {}
    prompts = [Prompt("", str(number)) for number in range(200)]
    with pytest.raises(MobenchError, match=r"5 requests in a row without a reply.*HTTP 500.*ill"):
        Endpoint(choice, "", gone).ask(prompts, max_tokens=5, on_reply=replies.__setitem__)
    assert sum(reply.text == "7" for reply in replies.values()) == 3
    assert len(judge.asked) < 20


def test_an_interruption_waits_for_what_is_under_way_and_asks_no_more(judge: JudgeServer) -> None:
    """Every reply may have been paid for."""

    def interrupted(number: int, _: dict[str, Any]) -> Response:
        if number == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return Response(completion("7").body, wait=0.2 if number >= 2 else 0.0)

    judge.does = interrupted
    choice = JudgeChoice("openai", judge.url, "stand-in")
    replies: dict[int, Reply] = {}
    prompts = [Prompt("", str(number)) for number in range(40)]
    with pytest.raises(KeyboardInterrupt):
        Endpoint(choice, "", QUICK).ask(prompts, max_tokens=5, on_reply=replies.__setitem__)
    assert len(judge.asked) < 10
    assert list(replies.values()) == [Reply("7")] * len(judge.asked)


def test_a_single_gap_now_and_then_does_not_end_the_asking(judge: JudgeServer) -> None:
    patience = Patience(seconds=0.5, tries=1, pause=0.01, at_once=1, give_up=3)
    judge.does = lambda number, _: completion("7") if number % 3 == 2 else Response({}, status=500)
    replies = ask(judge, 30, patience)
    assert sum(reply.text == "7" for reply in replies) == 10


@pytest.mark.parametrize(("status", "what"), [(401, "wants a key"), (403, "wants a key")])
def test_a_missing_key_ends_the_asking_at_once(judge: JudgeServer, status: int, what: str) -> None:
    judge.does = lambda _, __: Response({"error": "who are you?"}, status=status)
    with pytest.raises(MobenchError, match=what):
        ask(judge, 3)


def test_a_wrong_key_is_not_repeated(judge: JudgeServer) -> None:
    judge.does = lambda _, __: Response({"error": "Incorrect API key sk-s3cret"}, status=401)
    with pytest.raises(MobenchError, match="does not take the key") as raised:
        ask(judge, MOBENCH_JUDGE_KEY="sk-s3cret")
    assert "s3cret" not in str(raised.value)
    judge.does = lambda _, __: Response({"error": "bad request of sk-s3cret"}, status=400)
    (reply,) = ask(judge, MOBENCH_JUDGE_KEY="sk-s3cret")
    assert "bad request" in reply.detail
    assert "s3cret" not in reply.detail
    assert "bad request" not in json.dumps(reply.record())


def test_a_key_is_cut_out_of_a_long_message_and_of_a_reply(judge: JudgeServer) -> None:
    long = "x" * 190 + " sk-s3cret-and-more"
    judge.does = lambda _, __: Response({"error": long}, status=400)
    (reply,) = ask(judge, MOBENCH_JUDGE_KEY="sk-s3cret-and-more")
    assert "s3c" not in reply.detail, "not even its beginning"
    judge.does = lambda _, __: completion("I was asked with sk-s3cret-and-more.")
    (reply,) = ask(judge, MOBENCH_JUDGE_KEY="sk-s3cret-and-more")
    assert reply == Reply("I was asked with ….")


def test_an_address_without_chat_completions_is_an_error(judge: JudgeServer) -> None:
    judge.url = judge.url.removesuffix("/v1")
    with pytest.raises(MobenchError, match="mostly ends in /v1"):
        ask(judge)


def test_the_own_key_comes_before_the_general_one(judge: JudgeServer) -> None:
    ask(judge, OPENAI_API_KEY="general")
    ask(judge, OPENAI_API_KEY="general", MOBENCH_JUDGE_KEY="own")
    assert judge.keys == ["Bearer general", "Bearer own"]


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("https://example.com/v1", "general"),
        ("http://example.com/v1", ""),
        ("http://127.0.0.1/v1", "general"),
    ],
)
def test_the_general_key_goes_to_protected_places_only(address: str, key: str) -> None:
    choice = JudgeChoice("openai", address, "m")
    assert choice.key({"OPENAI_API_KEY": "general"}) == key
    assert choice.key({"MOBENCH_JUDGE_KEY": "own"}) == "own"


@pytest.mark.parametrize("key", ["sk-s3cret\nX-Other: 1", "sk-s3cret\u2013"])
def test_a_key_that_no_header_can_hold_is_refused_and_not_repeated(key: str) -> None:
    choice = JudgeChoice("openai", "https://example.com/v1", "m")
    with pytest.raises(MobenchError, match="MOBENCH_JUDGE_KEY holds characters") as raised:
        choice.key({"MOBENCH_JUDGE_KEY": key})
    assert "s3cret" not in str(raised.value)


def test_a_password_that_this_machine_has_for_the_host_stays_here(
    judge: JudgeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password s3cret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    ask(judge)
    assert judge.keys == [None]


def test_a_redirect_is_not_followed(judge: JudgeServer) -> None:
    """The key would go along."""
    with judge_server() as other:
        elsewhere = f"{other.url}/chat/completions"
        judge.does = lambda _, __: Response("", status=307, headers={"Location": elsewhere})
        (reply,) = ask(judge, MOBENCH_JUDGE_KEY="sk-s3cret")
        assert reply.problem == "HTTP 307"
        assert other.asked == []


def check(judge: JudgeServer, model: str = "stand-in") -> None:
    Endpoint(JudgeChoice("openai", judge.url, model), "", QUICK).check()


def test_a_judge_is_looked_for_before_anything_is_built(judge: JudgeServer) -> None:
    check(judge)
    with pytest.raises(MobenchError, match="Did you mean 'stand-in'"):
        check(judge, "standin")
    judge.models = None
    check(judge, "whatever")
    judge.model_list = Response(b"<html>")
    check(judge, "whatever")
    judge.model_list = Response({}, status=401)
    with pytest.raises(MobenchError, match="wants a key"):
        check(judge)
    judge.model_list = Response(wait=1.0)
    with pytest.raises(MobenchError, match="timed out"):
        check(judge)


@pytest.mark.parametrize("host", ["127.0.0.1:9", f"{'x' * 70}.example", "a b"])
def test_an_address_where_nothing_is_is_an_error(judge: JudgeServer, host: str) -> None:
    judge.url = f"http://{host}/v1"
    with pytest.raises(MobenchError, match=r"no judge answers at http:.* \(no connection\)"):
        check(judge)


def test_a_proxy_that_cannot_be_used_is_an_error_without_its_password(
    judge: JudgeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks9://me:s3cret@127.0.0.1:9")
    with pytest.raises(MobenchError, match="ALL_PROXY") as raised:
        check(judge)
    assert "s3cret" not in str(raised.value)
