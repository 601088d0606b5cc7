"""A judging model behind an OpenAI-compatible endpoint: chat completions over HTTP.

Nothing here ends as a score: whatever goes wrong with one answer is a reply with a problem. Only
what would go wrong with every answer is an error.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import requests

from mobench.errors import MobenchError, did_you_mean
from mobench.measure.judges.choice import JudgeChoice
from mobench.measure.judges.reply import REFUSED, Heard, Prompt, Reply

TRANSIENT = (408, 409, 425, 429, 500, 502, 503, 504, 529)
"""Answers of a server that may be another one in a moment."""
KEYS = ("MOBENCH_JUDGE_KEY", "OPENAI_API_KEY")
LARGEST = 1 << 20
"""Bytes of a reply, at most."""
TIMED_OUT, UNREACHED = "timed out", "no connection"
NOT_A_COMPLETION = "not a chat completion"


@dataclass(frozen=True)
class Patience:
    """How long and how often an endpoint is asked.

    Attributes:
        seconds: A whole reply may take as long.
        tries: Requests for one answer, the first among them.
        pause: Seconds before the second try; doubled before each further one.
        longest_pause: Seconds, whatever the server wishes.
        at_once: Requests under way at once.
        give_up: Answers in a row without a reply after which asking ends.
    """

    seconds: float = 60.0
    tries: int = 3
    pause: float = 1.0
    longest_pause: float = 30.0
    at_once: int = 8
    give_up: int = 24


PATIENCE = Patience()


class Endpoint:
    """An OpenAI-compatible endpoint.

    Args:
        choice: Where it is, and the model to ask.
        patience: How long and how often it is asked; :data:`PATIENCE` if None.
        environment: Where the key is looked for; the process's own if None.
    """

    def __init__(
        self,
        choice: JudgeChoice,
        patience: Patience | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._choice, self._patience = choice, patience or PATIENCE
        self._key = _key_for(choice, os.environ if environment is None else environment)
        self._local = threading.local()

    def check(self) -> None:
        """Asks for the list of models, before anything is built.

        An endpoint without such a list passes.

        Raises:
            MobenchError: It is not there, does not take the key, or does not have the model.
        """
        try:
            with self._session().get(
                f"{self._choice.where}/models",
                timeout=self._patience.seconds,
                allow_redirects=False,
            ) as response:
                self._refuse_key(response.status_code)
                told = response.json() if response.status_code == 200 else {}
        except requests.JSONDecodeError:
            return  # something is there, and it has no list
        except requests.RequestException as error:
            raise MobenchError(
                f"no judge answers at {self._choice.where} ({_problem(error)})",
                "start it, or correct the address in --judge; `mobench report RUN` needs no judge",
            ) from error
        listed = told.get("data") if isinstance(told, dict) else None
        names = [item.get("id") for item in listed or () if isinstance(item, dict)]
        known = [name for name in names if isinstance(name, str)]
        if known and self._choice.model not in known:
            hint = did_you_mean(self._choice.model, known)
            raise MobenchError(
                f"the judge at {self._choice.where} serves no {self._choice.model!r}.{hint}",
                f"it serves: {', '.join(sorted(known)[:10])}",
            )

    def ask(self, prompts: Sequence[Prompt], *, max_tokens: int, heard: Heard) -> None:
        """Asks all prompts, several at once; a reply is told as soon as it is there.

        Args:
            prompts: What is asked.
            max_tokens: Length at which a reply is cut.
            heard: Told each reply, in this thread.

        Raises:
            MobenchError: The endpoint refuses the key or has no such model, or has not replied to
                many answers in a row.
        """
        stopped = threading.Event()
        replies: SimpleQueue[tuple[int, Reply | Exception]] = SimpleQueue()

        def work(number: int, prompt: Prompt) -> None:
            try:
                replies.put((number, self._reply(prompt, max_tokens, stopped)))
            except Exception as error:
                replies.put((number, error))

        silent = 0
        with ThreadPoolExecutor(self._patience.at_once) as pool:
            for number, prompt in enumerate(prompts):
                pool.submit(work, number, prompt)
            try:
                for _ in prompts:
                    number, reply = replies.get()
                    if isinstance(reply, Exception):
                        raise reply
                    heard(number, reply)
                    silent = silent + 1 if reply.text is None else 0
                    if silent >= self._patience.give_up:
                        raise MobenchError(
                            f"the judge does not judge: {silent} requests in a row without a "
                            f"reply, the last one: {reply.problem}{reply.detail}",
                            "see to it and give the same command again: it goes on where it was",
                        )
            except BaseException:
                stopped.set()
                pool.shutdown(cancel_futures=True)
                # What has come meanwhile was paid for.
                while not replies.empty():
                    number, reply = replies.get()
                    if isinstance(reply, Reply):
                        heard(number, reply)
                raise

    def _reply(self, prompt: Prompt, max_tokens: int, stopped: threading.Event) -> Reply:
        """One reply, asked for until there is one or patience ends."""
        body = {
            "model": self._choice.model,
            "messages": [
                {"role": "system", "content": prompt.system},
                {"role": "user", "content": prompt.user},
            ],
            "temperature": 0,
            "max_tokens": max_tokens,
            "seed": 0,
        }
        problem, detail, wished = "", "", 0.0
        for number in range(self._patience.tries):
            if number and stopped.wait(self._pause(number, wished)):
                break
            try:
                status, text, wished = self._post(body)
            except requests.RequestException as error:
                problem, detail, wished = _problem(error), "", 0.0
                continue
            self._refuse_key(status)
            if status == 404:
                raise MobenchError(
                    f"the judge at {self._choice.where} has no chat completions of "
                    f"{self._choice.model!r} (404)",
                    "correct the address, which mostly ends in /v1, or the model in --judge",
                )
            if status == 200:
                return _read(text)
            problem, detail = f"HTTP {status}", self._without_key(f", {text[:200].strip()}")
            if status not in TRANSIENT:
                break
        return Reply(None, problem, detail=detail)

    def _post(self, body: Mapping[str, Any]) -> tuple[int, str, float]:
        """Status, text, and the seconds that the server asks to be left alone for."""
        until = time.monotonic() + self._patience.seconds
        with self._session().post(
            f"{self._choice.where}/chat/completions",
            json=body,
            timeout=self._patience.seconds,
            stream=True,
            # A key must not follow to wherever somebody points.
            allow_redirects=False,
        ) as response:
            content = b""
            # The library's limit is for each piece, so that a trickle would never end; and it waits
            # for all of a piece, so pieces are single bytes.
            for piece in response.iter_content(1):
                content += piece
                if time.monotonic() > until or len(content) > LARGEST:
                    raise requests.Timeout("the reply does not end")
            return response.status_code, content.decode("utf-8", "replace"), _wish(response)

    def _pause(self, number: int, wished: float) -> float:
        pause = self._patience.pause * 2.0 ** (number - 1) * random.uniform(0.75, 1.25)
        return min(self._patience.longest_pause, max(pause, wished))

    def _refuse_key(self, status: int) -> None:
        """Raises where no request will ever be served; what the server says may hold the key."""
        if status not in (401, 403):
            return
        held = "does not take the key" if self._key else "wants a key"
        raise MobenchError(
            f"the judge at {self._choice.where} {held} ({status})",
            f"put it into {KEYS[0]}; {KEYS[1]} goes to https and to this machine only",
        )

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "…") if self._key else text

    def _session(self) -> requests.Session:
        """A session for each thread: one must not be shared."""
        found: requests.Session | None = getattr(self._local, "session", None)
        if found is None:
            found = self._local.session = requests.Session()
            found.auth = self._authorize
        return found

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # As an auth of its own: else the library would send what a .netrc has for the host.
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def _key_for(choice: JudgeChoice, environment: Mapping[str, str]) -> str:
    """The key, if it may be sent there: a general one is not told to an unprotected host."""
    own, general = (environment.get(name, "").strip() for name in KEYS)
    safe = choice.where.startswith("https:") or choice.on_this_machine
    return own or (general if safe else "")


def _read(text: str) -> Reply:
    """The reply in the body of an answer with status 200."""
    try:
        choice = json.loads(text)["choices"][0]
        message = choice["message"]
        said, refusal = message.get("content"), message.get("refusal")
        ended = choice.get("finish_reason")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return Reply(None, NOT_A_COMPLETION)
    if refusal:
        return Reply(str(refusal), REFUSED)
    if ended == "content_filter":
        return Reply(str(said or ""), REFUSED)
    if not isinstance(said, str):
        return Reply("", cut=ended == "length") if said is None else Reply(None, NOT_A_COMPLETION)
    return Reply(said, cut=ended == "length")


def _wish(response: requests.Response) -> float:
    try:
        return max(0.0, float(response.headers.get("Retry-After", "")))
    except ValueError:
        return 0.0


def _problem(error: requests.RequestException) -> str:
    """Whether it was time that ran out; half-way through a reply the library says so inside."""
    late = isinstance(error, requests.Timeout) or "timed out" in str(error).casefold()
    return TIMED_OUT if late else UNREACHED
