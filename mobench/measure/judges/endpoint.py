"""A judging model behind an OpenAI-compatible endpoint: chat completions over HTTP.

Nothing here ends as a score: whatever goes wrong with one answer is a reply with a problem. Only
what would go wrong with every answer is an error.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from mobench.errors import MobenchError, did_you_mean
from mobench.measure.judges.choice import KEY_VARIABLES, JudgeChoice
from mobench.measure.judges.connection import Connection, ExchangeFailed, connect
from mobench.measure.judges.reply import REFUSED, OnReply, Prompt, Reply

TRANSIENT = (408, 409, 425, 429, 500, 502, 503, 504, 529)
"""Statuses after which the same request may succeed a moment later."""
NOT_A_COMPLETION = "not a chat completion"


@dataclass(frozen=True)
class Patience:
    """How long and how often an endpoint is asked.

    Attributes:
        seconds: Deadline of each request, from looking up the host to the reply's last byte.
        tries: Requests for one answer, the first among them.
        pause: Seconds before the second try; doubled before each further one.
        longest_pause: Seconds between two tries at most, whatever the server asks for.
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
        key: The key to send; empty for none.
        patience: How long and how often it is asked; :data:`PATIENCE` if None.
    """

    def __init__(self, choice: JudgeChoice, key: str, patience: Patience | None = None) -> None:
        self._choice, self._key, self._patience = choice, key, patience or PATIENCE

    def check(self) -> None:
        """Asks for the list of models, before anything is built.

        An endpoint without such a list passes.

        Raises:
            MobenchError: It is not there, does not take the key, or does not have the model.
        """
        asyncio.run(self._check())

    def prepare(self) -> None:
        """Nothing: the model is in another process."""

    def ask(self, prompts: Sequence[Prompt], *, max_tokens: int, on_reply: OnReply) -> None:
        """Asks all prompts, several at once.

        Args:
            prompts: What is asked.
            max_tokens: Length at which a reply is cut.
            on_reply: Called with each reply as soon as it is there, in the calling thread.

        Raises:
            MobenchError: The endpoint refuses the key or has no such model, or has not replied to
                many answers in a row. Requests under way are waited for, and their replies passed
                on, before it is raised.
        """
        asyncio.run(self._ask(prompts, max_tokens, on_reply))

    async def _check(self) -> None:
        try:
            async with self._connect() as connection:
                answer = await connection.get("/models")
        except ExchangeFailed as error:
            raise MobenchError(
                f"no judge answers at {self._choice.location} ({error.problem})",
                "start it, or correct the address in --judge; `mobench report RUN` needs no judge",
            ) from error
        self._refuse_unauthorized(answer.status)
        known = _model_names(answer.text) if answer.status == 200 else []
        if known and self._choice.model not in known:
            hint = did_you_mean(self._choice.model, known)
            raise MobenchError(
                f"the judge at {self._choice.location} serves no {self._choice.model!r}.{hint}",
                f"it serves: {', '.join(sorted(known)[:10])}",
            )

    async def _ask(self, prompts: Sequence[Prompt], max_tokens: int, on_reply: OnReply) -> None:
        if not prompts:
            return
        stopping = asyncio.Event()
        streak = _Streak(self._patience.give_up)
        # One iterator for all workers, so that each prompt is taken by one of them.
        remaining = iter(list(enumerate(prompts)))

        async def work(connection: Connection) -> None:
            for number, prompt in remaining:
                reply = await self._reply(connection, prompt, max_tokens, stopping)
                on_reply(number, reply)
                streak.count(reply)
                if stopping.is_set():
                    return

        async with self._connect() as connection:
            count = min(self._patience.at_once, len(prompts))
            workers = [asyncio.create_task(work(connection)) for _ in range(count)]
            try:
                done, _ = await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
            finally:
                # An error or an interruption ends the asking, but what is under way is paid for.
                stopping.set()
                await asyncio.gather(*workers, return_exceptions=True)
            for worker in done:
                worker.result()

    async def _reply(
        self, connection: Connection, prompt: Prompt, max_tokens: int, stopping: asyncio.Event
    ) -> Reply:
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
        problem, detail, retry_after = "", "", 0.0
        for number in range(self._patience.tries):
            if number and await _set_within(stopping, self._pause(number, retry_after)):
                break
            try:
                answer = await connection.post("/chat/completions", body)
            except ExchangeFailed as error:
                problem, detail, retry_after = error.problem, "", 0.0
                continue
            self._refuse_unauthorized(answer.status)
            if answer.status == 404:
                raise MobenchError(
                    f"the judge at {self._choice.location} has no chat completions of "
                    f"{self._choice.model!r} (404)",
                    "correct the address, which mostly ends in /v1, or the model in --judge",
                )
            if answer.status == 200:
                return _completion(answer.text)
            problem, detail = f"HTTP {answer.status}", f", {answer.text[:200].strip()}"
            retry_after = answer.retry_after
            if answer.status not in TRANSIENT:
                break
        return Reply(None, problem, detail=detail)

    def _connect(self) -> AbstractAsyncContextManager[Connection]:
        return connect(self._choice.location, self._key, self._patience.seconds)

    def _pause(self, number: int, retry_after: float) -> float:
        """Seconds before a further try."""
        pause = self._patience.pause * 2.0 ** (number - 1) * random.uniform(0.75, 1.25)
        return min(self._patience.longest_pause, max(pause, retry_after))

    def _refuse_unauthorized(self, status: int) -> None:
        """Raises where no request will ever be served."""
        if status not in (401, 403):
            return
        refusal = "does not take the key" if self._key else "wants a key"
        own, general = KEY_VARIABLES
        raise MobenchError(
            f"the judge at {self._choice.location} {refusal} ({status})",
            f"put it into {own}; {general} goes to https and to this machine only",
        )


class _Streak:
    """Counts answers in a row that brought no reply.

    Args:
        limit: The count at which asking ends.
    """

    def __init__(self, limit: int) -> None:
        self._limit, self._length = limit, 0

    def count(self, reply: Reply) -> None:
        """Counts one more.

        Raises:
            MobenchError: The limit is reached.
        """
        self._length = self._length + 1 if reply.text is None else 0
        if self._length >= self._limit:
            raise MobenchError(
                f"the judge does not judge: {self._length} requests in a row without a "
                f"reply, the last one: {reply.problem}{reply.detail}",
                "see to it and give the same command again: it goes on where it was",
            )


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    """Waits for an event, and says whether it came in time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


def _model_names(text: str) -> list[str]:
    """The models in an endpoint's list of them; empty if the text is no such list."""
    try:
        listed = json.loads(text)["data"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return []
    items: Iterable[object] = listed if isinstance(listed, list) else ()
    names = [item.get("id") for item in items if isinstance(item, dict)]
    return [name for name in names if isinstance(name, str)]


def _completion(text: str) -> Reply:
    """The reply in the body of an answer with status 200."""
    try:
        choice = json.loads(text)["choices"][0]
        message = choice["message"]
        content, refusal = message.get("content"), message.get("refusal")
        ended = choice.get("finish_reason")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return Reply(None, NOT_A_COMPLETION)
    if refusal:
        return Reply(str(refusal), REFUSED)
    if ended == "content_filter":
        return Reply(str(content or ""), REFUSED)
    if content is None:
        return Reply("", cut=ended == "length")
    if not isinstance(content, str):
        return Reply(None, NOT_A_COMPLETION)
    return Reply(content, cut=ended == "length")
