"""HTTP exchanges with one endpoint, each with a deadline for the whole of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from mobench.errors import MobenchError

LARGEST = 1 << 20
"""Bytes of an answer's body, at most."""
TIMED_OUT = "timed out"
UNREACHED = "no connection"
TOO_LARGE = "reply too large"


class ExchangeFailed(Exception):
    """A request that got no complete answer.

    Attributes:
        problem: What went wrong: :data:`TIMED_OUT`, :data:`UNREACHED` or :data:`TOO_LARGE`.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True)
class HttpAnswer:
    """A complete answer of a server.

    Attributes:
        status: The HTTP status.
        text: The body. The key is replaced in it, should the server repeat it.
        retry_after: Seconds that the server asks to be left alone for; 0 if it does not.
    """

    status: int
    text: str
    retry_after: float


@dataclass(frozen=True)
class Connection:
    """An endpoint that can be sent requests, several at once; :func:`connect` opens one.

    Attributes:
        client: Sends the requests.
        address: The endpoint's address up to ``/v1``.
        key: Sent with every request and cut out of every answer; empty for none.
        deadline: Seconds from looking up the host to the last byte of an answer.
    """

    client: httpx.AsyncClient
    address: str
    key: str
    deadline: float

    async def get(self, path: str) -> HttpAnswer:
        """Fetches what is at a path below the address.

        Raises:
            ExchangeFailed: No complete answer came by the deadline.
        """
        return await self._exchange("GET", path)

    async def post(self, path: str, body: Mapping[str, Any]) -> HttpAnswer:
        """Sends a body as JSON to a path below the address.

        Raises:
            ExchangeFailed: No complete answer came by the deadline.
        """
        # Escaped to ASCII: an answer may hold half a surrogate pair, which UTF-8 cannot encode.
        return await self._exchange("POST", path, json.dumps(body).encode("ascii"))

    async def _exchange(self, method: str, path: str, content: bytes | None = None) -> HttpAnswer:
        try:
            # The client's own limits are for each read, so that a byte a second would never end.
            async with asyncio.timeout(self.deadline):
                return await self._answer(method, path, content)
        except TimeoutError:
            raise ExchangeFailed(TIMED_OUT) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            # Not chained: such an error holds the request, and the request holds the key.
            raise ExchangeFailed(UNREACHED) from None

    async def _answer(self, method: str, path: str, content: bytes | None) -> HttpAnswer:
        body = bytearray()
        async with self.client.stream(method, f"{self.address}{path}", content=content) as response:
            # Raw: a small compressed body could unpack to any size.
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > LARGEST:
                    raise ExchangeFailed(TOO_LARGE)
        text = body.decode("utf-8", "replace")
        return HttpAnswer(
            response.status_code,
            text.replace(self.key, "…") if self.key else text,
            _retry_after(response.headers.get("Retry-After", "")),
        )


@asynccontextmanager
async def connect(address: str, key: str, deadline: float) -> AsyncIterator[Connection]:
    """Opens a connection to an endpoint; proxies and certificates are those of the environment.

    Args:
        address: The endpoint's address up to ``/v1``.
        key: Sent as a bearer token; empty for none.
        deadline: Seconds for each exchange.

    Raises:
        MobenchError: The environment names a proxy or certificates that cannot be used.
    """
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    try:
        client = httpx.AsyncClient(
            headers=headers,
            timeout=None,
            # A key must not follow to wherever somebody points.
            follow_redirects=False,
        )
    except (ImportError, ValueError, OSError) as error:
        # Its text is not repeated: a proxy's address may hold a password.
        raise MobenchError(
            f"a proxy or certificate file that the environment names cannot be used "
            f"({type(error).__name__})",
            "look at HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR; "
            "a SOCKS proxy needs: pip install 'httpx[socks]'",
        ) from None
    async with client:
        yield Connection(client, address, key, deadline)


def _retry_after(header: str) -> float:
    try:
        return max(0.0, float(header))
    except ValueError:
        return 0.0
