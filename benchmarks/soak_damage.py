"""Every file of a finished run damaged in several ways: is it named, or does it change nothing?"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.soak_compare import without_clocks
from benchmarks.soak_process import Ended, command

Damage = Callable[[bytes, random.Random], bytes | None]


def _flipped(content: bytes, draw: random.Random) -> bytes:
    if not content:
        return b"x"
    place, bit = draw.randrange(len(content)), 1 << draw.randrange(8)
    return content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]


def _without_a_line(content: bytes, draw: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    del lines[draw.randrange(len(lines) or 1) : len(lines)]
    return b"".join(lines)


WAYS: dict[str, Damage] = {
    "deleted": lambda _, __: None,
    "emptied": lambda _, __: b"",
    "cut in half": lambda content, _: content[: len(content) // 2],
    "its last lines lost": _without_a_line,
    "one bit flipped": _flipped,
    "zeros of the same length": lambda content, _: bytes(len(content)),
    "{} in its place": lambda _, __: b"{}",
    "said twice": lambda content, _: content + content,
}
OUTPUTS = ("score.json", "plot.png", "plot.svg")
"""Files that a report writes: they are made from the others, and read by nothing."""


@dataclass
class Damages:
    """What came of the damages.

    Attributes:
        files: Files that were damaged.
        ways: How many damages were done in which way.
        named: Those after which the file's name stood in the refusal.
        harmless: Those after which everything came out as before.
        silent: Those after which something else came out, without a word.
        tracebacks: Those that ended with a traceback.
        unnamed: Those that were refused without the file's name.
        not_mended: Those that the run's command did not bring back to what it was.
    """

    files: set[str] = field(default_factory=set)
    ways: Counter[str] = field(default_factory=Counter)
    named: int = 0
    harmless: int = 0
    silent: list[str] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)
    not_mended: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many damages were done."""
        return sum(self.ways.values())


def damage_files(
    files: Sequence[Path], ask: Callable[[], Ended], damages: Damages, draw: random.Random
) -> None:
    """Damages each file in every way, one at a time, and asks what is said to that.

    Args:
        files: The files; each is put back as it was.
        ask: Reads what they are for, and prints what comes out as JSON.
        damages: Takes what came of it.
        draw: Draws bits and lines.
    """
    whole = _outcome(ask())
    for file in files:
        for way, damage in WAYS.items():
            with damaged(file, damage, draw) as changed:
                if changed:
                    damages.files.add(str(file))
                    damages.ways[way] += 1
                    _judge(file, way, ask(), whole, damages)


@contextmanager
def damaged(
    file: Path, damage: Damage, draw: random.Random, *, put_back: bool = True
) -> Iterator[bool]:
    """Damages a file while the block runs; yields whether that changed it.

    Args:
        file: The file.
        damage: What is done to it.
        draw: Draws bits and lines.
        put_back: Whether the file is as it was after the block.
    """
    if not file.is_file():
        yield False
        return
    content, status = file.read_bytes(), file.stat()
    other = damage(content, draw)
    try:
        if other is None:
            file.unlink()
        else:
            file.write_bytes(other)
        yield other != content
    finally:
        if put_back:
            file.write_bytes(content)
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def _judge(file: Path, way: str, ended: Ended, whole: object, damages: Damages) -> None:
    what = f"{file}, {way}"
    if ended.has_traceback:
        damages.tracebacks.append(f"{what}: {ended.said[-1500:]}")
    elif ended.code:
        named = file.name in ended.said or file.parent.name in ended.said
        damages.named += named
        damages.unnamed += [] if named else [f"{what}: {ended.said[-500:]}"]
    elif _outcome(ended) == whole:
        damages.harmless += 1
    elif file.name in ended.said or file.parent.name in ended.said:
        damages.named += 1
    else:
        damages.silent.append(what)


def _outcome(ended: Ended) -> object:
    """What a command printed as JSON, without clocks."""
    for line in ended.said.splitlines():
        if line.startswith("{"):
            return without_clocks(json.loads(line))
    return ended.said


def report(run: Path, cache: Path) -> Callable[[], Ended]:
    """Asks for the report of a run."""
    tree = run.parents[1]
    return lambda: command("report", f"runs/{run.name}", "--json", tree=tree, cache=cache)
