"""What a folder holds, as it was written: ``kept.jsonl`` has a line for each of its files.

A file's line comes after the file. A file without a line was not finished, and one that does not
fit its line was changed since: neither is believed. A folder without ``kept.jsonl`` is from before
there was one, and is taken as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from mobench.records.listed_files import LISTED_FILE, ListedFile, listed, listed_on_disk

KEPT = "kept.jsonl"
LARGE = (".safetensors",)
"""Files that are read only where something uses them, or where their time is not the listed one."""

GONE = "it is missing"
NOT_LISTED = "it is not in the list of what was written"


@dataclass(frozen=True)
class KeptFiles:
    """The list of a folder's files.

    Attributes:
        root: The folder; files are named by their path below it.
    """

    root: Path

    @property
    def path(self) -> Path:
        """The list."""
        return self.root / KEPT

    def keep(self, *files: Path) -> None:
        """Lists files that were just written. A folder's first call lists what lay there before."""
        if not self.path.is_file():
            files = (*sorted(_earlier(self.root, set(files))), *files)
        lines = [
            json.dumps({"file": self.name(file), **on_disk(file)}, ensure_ascii=False)
            for file in files
        ]
        self.root.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b") as out:
            # Whoever was killed in the middle of a line left it without its end.
            broken = out.tell() > 0 and not _ends_a_line(self.path)
            out.write(("\n" * broken + "".join(f"{line}\n" for line in lines)).encode())

    def forget(self, *files: Path) -> None:
        """Takes files off the list, before they are removed."""
        if self.path.is_file() and files:
            lines = [json.dumps({"file": self.name(file), "gone": True}) for file in files]
            with self.path.open("ab") as out:
                out.write("".join(f"\n{line}\n" for line in lines).encode())

    def listed(self) -> dict[str, ListedFile] | None:
        """Every listed file by its name; None where the folder has no list.

        Lines that are damaged are left out, so that their files are not listed.
        """
        try:
            text = self.path.read_bytes().decode("utf-8", "replace")
        except FileNotFoundError:
            return None
        found: dict[str, ListedFile] = {}
        for line in text.split("\n"):
            try:
                record = json.loads(line)
                name = str(record.pop("file"))
                if record == {"gone": True}:
                    found.pop(name, None)
                else:
                    found[name] = LISTED_FILE.validate_python(record)
            except (ValueError, KeyError, AttributeError, TypeError, ValidationError):
                continue
        return found

    def fault(self, file: Path) -> str | None:
        """What is wrong with a file; None where it is as it was written, or nothing is known."""
        known = self.listed()
        if known is None:
            return None if file.is_file() else GONE
        return fault_of(file, known.get(self.name(file)))

    def name(self, file: Path) -> str:
        """A file's name in the list."""
        return file.relative_to(self.root).as_posix()


def on_disk(file: Path) -> ListedFile:
    """Lists a file as it lies there."""
    return listed_on_disk(file) if file.suffix in LARGE else listed(file.read_bytes())


def fault_of(file: Path, known: ListedFile | None, *, content: bytes | None = None) -> str | None:
    """What is wrong with a file.

    Args:
        file: The file.
        known: How it was written; None where it is not listed.
        content: What it holds, if it was read already.

    Returns:
        Half a sentence, or None where it is as it was written. A large file is believed by its
        length and its time, and read where only the time differs.
    """
    if known is None:
        return NOT_LISTED if file.is_file() else GONE
    try:
        if content is None:
            status = file.stat()
            if status.st_size != known["bytes"]:
                return _other_length(status.st_size, known)
            if known.get("modified") == status.st_mtime_ns:
                return None
            found = on_disk(file)
        else:
            found = listed(content)
    except FileNotFoundError:
        return GONE
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    if found["bytes"] != known["bytes"]:
        return _other_length(found["bytes"], known)
    return None if found["sha256"] == known["sha256"] else "its content is not what was written"


def faults(
    root: Path, known: Mapping[str, ListedFile], *, read: Iterable[str] = ()
) -> dict[Path, str]:
    """What is wrong with the listed files of a folder.

    Args:
        root: The folder.
        known: The files by their names.
        read: Names of files that are left out, since whoever reads them looks at them then.
    """
    left_out = set(read)
    found = {
        root / name: fault_of(root / name, one)
        for name, one in known.items()
        if name not in left_out
    }
    return {file: what for file, what in found.items() if what is not None}


def _other_length(length: int, known: ListedFile) -> str:
    return f"it has {length} bytes, and {known['bytes']} were written"


def _earlier(root: Path, new: set[Path]) -> set[Path]:
    """Files that lay in a folder before its list was begun; none that somebody is still writing."""
    return {
        file
        for file in root.rglob("*")
        if file.is_file() and not file.name.startswith(".") and file not in new
    }


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"
