"""A model hub on the loopback: the parts of its HTTP interface that ``huggingface_hub`` uses.

Files are served as the real hub serves them: small ones by itself, with the git blob's id as ETag;
safetensors by a redirect to a content address, with their size and SHA-256 in the redirect.
Everything that is asked is kept in ``requests``, every file that is handed out in ``fetched``.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass
class Repository:
    """One repository: its commits' folders, its branches, and who may read it."""

    commits: dict[str, Path]
    branches: dict[str, str]
    gated: bool = False

    def commit(self, revision: str) -> str | None:
        commit = self.branches.get(revision, revision)
        return commit if commit in self.commits else None


@dataclass
class Hub:
    """A running stand-in. `token` opens gated repositories."""

    url: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    fetched: set[str] = field(default_factory=set)  # names of the files whose content went out
    token: str = "hf_let_me_in"
    broken: str = ""  # a file's name: its content stops half-way
    answers_like_a_login_page: bool = False
    status: int = 0  # answer everything with this
    sizes: dict[str, int] = field(default_factory=dict)  # listed for files of these names

    def add(
        self,
        repo: str,
        folder: Path,
        branch: str = "main",
        *,
        gated: bool = False,
        commit: str = "",
    ) -> str:
        """Adds a folder as the newest commit of a branch, or as a given one; returns the commit."""
        parts = [f"{repo} {branch}"]
        parts += [f"{n} {hashlib.sha256(p.read_bytes()).hexdigest()}" for n, p in files(folder)]
        commit = commit or hashlib.sha1("\n".join(parts).encode()).hexdigest()
        repository = self.repositories.setdefault(repo, Repository({}, {}, gated))
        repository.commits[commit] = folder
        repository.branches[branch] = commit
        return commit


def files(folder: Path) -> list[tuple[str, Path]]:
    found = sorted(p for p in folder.rglob("*") if p.is_file())
    return [(p.relative_to(folder).as_posix(), p) for p in found]


def entry(name: str, path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    about: dict[str, Any] = {"type": "file", "path": name, "size": len(content), "oid": blob}
    if name.endswith(".safetensors"):
        digest = hashlib.sha256(content).hexdigest()
        about["lfs"] = {"oid": digest, "size": len(content), "pointerSize": 134}
    return about


class Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        if self.hub.answers_like_a_login_page:
            return self.send(200, b"<html>Please log in to this network</html>")
        if self.hub.status:
            return self.send(self.hub.status, b"{}")
        parts = path.strip("/").split("/")
        if parts[0] == "content":
            return self.content(parts[1])
        api = parts[:2] == ["api", "models"]
        repo = "/".join(parts[2:4] if api else parts[:2])
        rest = parts[4:] if api else parts[2:]
        repository = self.hub.repositories.get(repo)
        if repository is None:  # the real hub says 401 to those who are not logged in
            return self.refuse(401, "RepoNotFound")
        denied = repository.gated and not self.logged_in()
        if rest == ["auth-check"]:
            return self.refuse_gated() if denied else self.send(200, b"{}")
        if api and not rest:  # what is asked of a repository without a revision is of its newest
            rest = ["revision", "main"]
        commit = repository.commit(rest[1])
        if commit is None:
            return self.refuse(404, "RevisionNotFound")
        folder = repository.commits[commit]
        if api and rest[0] == "revision":
            return self.model_info(repo, commit, folder, repository.gated)
        if api and rest[0] == "tree":
            return self.send_json([entry(n, p) for n, p in files(folder)])
        return self.refuse_gated() if denied else self.file(folder, commit, "/".join(rest[2:]))

    def logged_in(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {self.hub.token}"

    def refuse_gated(self) -> None:
        self.refuse(403 if self.headers.get("Authorization") else 401, "GatedRepo")

    def model_info(self, repo: str, commit: str, folder: Path, gated: bool) -> None:
        siblings = []
        for name, path in files(folder):
            about = entry(name, path)
            size = self.hub.sizes.get(name, about["size"])
            sibling = {"rfilename": name, "size": size, "blobId": about["oid"]}
            if "lfs" in about:
                lfs = about["lfs"]
                sibling["lfs"] = {"sha256": lfs["oid"], "size": size, "pointerSize": 134}
            siblings.append(sibling)
        self.send_json(
            {
                **{"_id": "0", "id": repo, "modelId": repo, "sha": commit, "private": False},
                **{"gated": "auto" if gated else False, "disabled": False, "tags": []},
                **{"downloads": 0, "likes": 0, "siblings": siblings},
            }
        )

    def file(self, folder: Path, commit: str, name: str) -> None:
        path = folder / name
        if not path.is_file():
            return self.refuse(404, "EntryNotFound", {"X-Repo-Commit": commit})
        about, headers = entry(name, path), {"X-Repo-Commit": commit}
        if "lfs" not in about:
            headers["ETag"] = f'"{about["oid"]}"'
            if self.command == "GET":
                self.hub.fetched.add(name)
            return self.send(200, path.read_bytes(), headers)
        lfs = about["lfs"]
        headers |= {"X-Linked-Etag": f'"{lfs["oid"]}"', "X-Linked-Size": str(lfs["size"])}
        # another host name, as the real one's: the client must not follow it to ask for metadata
        address = f"{self.hub.url.replace('127.0.0.1', 'localhost')}/content/{lfs['oid']}"
        return self.send(302, b"", {**headers, "Location": address})

    def content(self, digest: str) -> None:
        for repository in self.hub.repositories.values():
            for folder in repository.commits.values():
                for name, path in files(folder):
                    data = path.read_bytes()
                    if hashlib.sha256(data).hexdigest() == digest:
                        self.hub.fetched.add(name)
                        keep = len(data) // 2 if name == self.hub.broken else len(data)
                        return self.send(200, data[:keep])
        return self.refuse(404, "EntryNotFound")

    def send_json(self, value: object) -> None:
        self.send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def refuse(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        said = {"X-Error-Code": code, "X-Error-Message": f"{code} (stand-in)"}
        self.send(status, b"{}", said | (headers or {}))

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def running_hub() -> Iterator[Hub]:
    """Serves a hub on a free port of the loopback until the block ends."""
    hub = Hub()
    handler = type("BoundHandler", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
