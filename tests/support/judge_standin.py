"""A judge on the loopback: chat completions over real sockets, as well or badly as a test says."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Response:
    """What the server does with one request.

    Attributes:
        body: Its answer; a mapping as JSON.
        wait: Seconds before it answers.
        trickle: Seconds between any two bytes of the answer's body.
        head_trickle: Seconds between any two bytes of what precedes the body.
        drop: Whether the connection ends without an answer.
    """

    body: Any = None
    status: int = 200
    wait: float = 0.0
    trickle: float = 0.0
    head_trickle: float = 0.0
    drop: bool = False
    headers: dict[str, str] = field(default_factory=dict)


def completion(content: str | None, *, refusal: str | None = None, ended: str = "stop") -> Response:
    """A chat completion."""
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return Response({"object": "chat.completion", "choices": [choice(message, ended)]})


def choice(message: dict[str, Any], ended: str) -> dict[str, Any]:
    return {"index": 0, "message": message, "finish_reason": ended}


@dataclass
class JudgeServer:
    """A running judge.

    Attributes:
        does: From the number of earlier requests and the request's body, the response.
        asked: Bodies of all chat requests, in the order in which they came.
        keys: Their Authorization headers.
        most_at_once: The most requests that were under way together.
        models: What its list of models says, or None for no such list.
    """

    url: str = ""
    does: Callable[[int, dict[str, Any]], Response] = lambda _, __: completion("0")
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    most_at_once: int = 0
    models: tuple[str, ...] | None = ("stand-in",)
    model_list: Response | None = None
    _under_way: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)


class Handler(BaseHTTPRequestHandler):
    server_of: JudgeServer

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        judge = self.server_of
        if judge.model_list is not None:
            time.sleep(judge.model_list.wait)
            self._respond(judge.model_list)
        elif self.path != "/v1/models" or judge.models is None:
            self._respond(Response({"error": "no such page"}, status=404))
        else:
            listed = [{"id": name, "object": "model"} for name in judge.models]
            self._respond(Response({"object": "list", "data": listed}))

    def do_POST(self) -> None:
        judge = self.server_of
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with judge._lock:
            number = len(judge.asked)
            judge.asked.append(body)
            judge.keys.append(self.headers.get("Authorization"))
            judge._under_way += 1
            judge.most_at_once = max(judge.most_at_once, judge._under_way)
        try:
            missing = self.path != "/v1/chat/completions"
            response = Response("", status=404) if missing else judge.does(number, body)
            time.sleep(response.wait)
        finally:
            # Before the reply: whoever has it may ask again before this thread goes on.
            with judge._lock:
                judge._under_way -= 1
        self._respond(response)

    def _respond(self, response: Response) -> None:
        if response.drop:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        body = response.body
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Content-Length": len(body)}
        headers |= response.headers
        lines = [f"HTTP/1.0 {response.status} {HTTPStatus(response.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "".join(f"{line}\r\n" for line in (*lines, "")).encode()
        try:
            self._send(head, response.head_trickle)
            self._send(body, response.trickle)
        except (BrokenPipeError, ConnectionResetError):
            pass  # whoever asked has gone

    def _send(self, data: bytes, trickle: float) -> None:
        if not trickle:
            self.wfile.write(data)
            return
        for byte in data:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(trickle)


@contextmanager
def judge_server() -> Iterator[JudgeServer]:
    judge = JudgeServer()
    handler = type("Handler", (Handler,), {"server_of": judge})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    judge.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield judge
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
