"""Labels a pull request that brings code, and comments on its results; run from the main branch.

    HEAD_OWNER=… HEAD_BRANCH=… HEAD_SHA=… CODE=true|false TOLD=BASE64 python3 -m ci.tell

The workflow ``tell`` calls it with a token that may write to pull requests. All that comes from the
pull request is the text in ``TOLD``, which the main branch's code made of its files. There is one
comment on a pull request; it is written anew. It needs nothing but Python.
"""

from __future__ import annotations

import base64
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

LABEL = "needs a reader"
MARK = "<!-- mobench submission -->"
"""What our comment begins with; it is shown nowhere."""
BOT = "github-actions[bot]"
LONGEST = 60_000
"""Characters of a comment; GitHub takes 65,536."""
TIMEOUT = 30.0
PER_PAGE = 100


class NoPullRequest(Exception):
    """No open pull request has this commit as its last: it went on meanwhile, or was closed."""


class Repository:
    """A repository's pull requests, as GitHub's REST API has them.

    Args:
        api: The API's address.
        name: ``OWNER/NAME``.
        token: What allows to write to pull requests.
    """

    def __init__(self, api: str, name: str, token: str) -> None:
        self._root = f"{api}/repos/{name}"
        self._token = token

    def pull_request(self, owner: str, branch: str, commit: str) -> int:
        """The number of the open pull request from a branch.

        Raises:
            NoPullRequest: None has this commit as its last.
        """
        asked = urllib.parse.urlencode({"state": "open", "head": f"{owner}:{branch}"})
        for one in self._call("GET", f"pulls?{asked}"):
            if one["head"]["sha"] == commit:
                return int(one["number"])
        raise NoPullRequest(commit)

    def label(self, number: int, label: str, *, wanted: bool) -> None:
        """Puts a label on a pull request, or takes it away."""
        place = f"issues/{number}/labels"
        if wanted:
            self._call("POST", place, {"labels": [label]})
            return
        try:
            self._call("DELETE", f"{place}/{urllib.parse.quote(label)}")
        except urllib.error.HTTPError as error:
            if error.code != 404:  # it had none
                raise

    def comment(self, number: int, text: str) -> None:
        """Writes our comment on a pull request, in place of an earlier one."""
        place, page = f"issues/{number}/comments", 1
        while found := self._call("GET", f"{place}?per_page={PER_PAGE}&page={page}"):
            for one in found:
                # Anybody can write the mark; only ours is written over.
                if one["user"]["login"] == BOT and one["body"].startswith(MARK):
                    self._call("PATCH", f"issues/comments/{one['id']}", {"body": text})
                    return
            page += 1
        self._call("POST", place, {"body": text})

    def _call(self, method: str, place: str, body: Mapping[str, object] | None = None) -> Any:
        asked = urllib.request.Request(
            f"{self._root}/{place}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self._token}",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        with urllib.request.urlopen(asked, timeout=TIMEOUT) as answer:
            return json.loads(answer.read() or b"null")


def comment_of(told: str) -> str:
    """The comment's text: nobody is called by it, and it stays within the limit."""
    calm = told.replace("@", "@\u200b")
    cut = calm[: LONGEST - len(MARK) - 100]
    return f"{MARK}\n{cut}" + ("\n\n… cut" if cut != calm else "")


def main(given: Mapping[str, str]) -> None:
    """Labels and comments.

    Args:
        given: The environment.
    """
    told = base64.b64decode(given["TOLD"]).decode("utf-8", "replace")
    ours = Repository(
        given.get("GITHUB_API_URL", "https://api.github.com"),
        given["GITHUB_REPOSITORY"],
        given["GITHUB_TOKEN"],
    )
    try:
        number = ours.pull_request(given["HEAD_OWNER"], given["HEAD_BRANCH"], given["HEAD_SHA"])
    except NoPullRequest:
        print("no open pull request ends with this commit")
        return
    ours.label(number, LABEL, wanted=given["CODE"] != "false")
    ours.comment(number, comment_of(told))


if __name__ == "__main__":
    main(os.environ)
