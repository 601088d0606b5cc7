"""A pull request is labeled and commented on, by a stand-in of GitHub's API on loopback."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
BOT = {"login": "github-actions[bot]"}


class GitHub:
    """One pull request from ``somebody:branch``, with its labels and comments."""

    def __init__(self) -> None:
        self.labels: set[str] = set()
        self.comments: list[dict[str, Any]] = []
        github = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                assert self.headers["Authorization"] == "Bearer token"
                code, said = github.said(self.command, self.path, body)
                self.send_response(code)
                self.end_headers()
                self.wfile.write(json.dumps(said).encode())

            do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    def said(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        url = urlsplit(path)
        place = url.path.removeprefix("/repos/us/mobench/")
        asked = parse_qs(url.query)
        if (method, place) == ("GET", "pulls"):
            mine = asked["head"] == ["somebody:a/branch"]
            return 200, [{"number": 7, "head": {"sha": "c0ffee"}}] if mine else []
        if (method, place) == ("POST", "issues/7/labels"):
            self.labels.update(body["labels"])
            return 200, []
        if method == "DELETE":
            label = unquote(place.rpartition("/")[2])
            found = label in self.labels
            self.labels.discard(label)
            return 200 if found else 404, []
        if (method, place) == ("GET", "issues/7/comments"):
            first = (int(asked["page"][0]) - 1) * int(asked["per_page"][0])
            return 200, self.comments[first:][: int(asked["per_page"][0])]
        if (method, place) == ("POST", "issues/7/comments"):
            self.comments.append({"id": len(self.comments), "user": BOT, **body})
            return 201, {}
        assert method == "PATCH", (method, place)
        self.comments[int(place.rpartition("/")[2])].update(body)
        return 200, {}


@pytest.fixture
def github() -> Iterator[GitHub]:
    made = GitHub()
    yield made
    made.server.shutdown()


def tell(github: GitHub, told: str, *, code: bool, commit: str = "c0ffee") -> str:
    given = {
        "GITHUB_API_URL": f"http://127.0.0.1:{github.server.server_port}",
        "GITHUB_REPOSITORY": "us/mobench",
        "GITHUB_TOKEN": "token",
        "HEAD_OWNER": "somebody",
        "HEAD_BRANCH": "a/branch",
        "HEAD_SHA": commit,
        "CODE": "true" if code else "false",
        "TOLD": base64.b64encode(told.encode()).decode(),
    }
    done = subprocess.run(
        [sys.executable, "-m", "ci.tell"],
        cwd=ROOT,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_is_one_comment_written_anew_and_the_label_follows_the_code(github: GitHub) -> None:
    tell(github, "first", code=True)
    assert github.labels == {"needs a reader"}
    tell(github, "second", code=False)
    assert github.labels == set()
    tell(github, "third", code=False)
    (comment,) = github.comments
    assert comment["body"].endswith("\nthird")


def test_others_comments_stay_whatever_they_begin_with(github: GitHub) -> None:
    mark = "<!-- mobench submission -->\nmine"
    github.comments = [{"id": n, "user": {"login": "x"}, "body": mark} for n in range(150)]
    tell(github, "ours", code=False)
    tell(github, "ours again", code=False)
    assert [one["body"] for one in github.comments[:150]] == [mark] * 150
    (ours,) = github.comments[150:]
    assert ours["body"].endswith("ours again")


def test_nobody_is_called_and_a_text_is_cut(github: GitHub) -> None:
    tell(github, "@everyone " + "x" * 80_000, code=False)
    (comment,) = github.comments
    assert not re.search(r"@\w", comment["body"])
    assert len(comment["body"]) < 65_536
    assert comment["body"].endswith("… cut")


def test_a_pull_request_that_went_on_is_left_alone(github: GitHub) -> None:
    assert "no open pull request" in tell(github, "late", code=True, commit="decade")
    assert not github.comments
    assert not github.labels
