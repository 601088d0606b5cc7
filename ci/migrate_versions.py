"""Rewrites committed results after the definition of a version or revision has changed.

    python ci/migrate_versions.py leaderboard/migrations/2026-11-versions.json

The file maps the old versions of tasks and revisions of organisms to the new ones, by name. Every
result whose versions are those is written anew: its manifest, the identities of its cells (hashes
over the versions), the cells that its rows name, and the folder that is named by its content. What
became what is added to the file. What the file does not name keeps its version, and a result with
nothing that it names is left alone. A result with any other version is refused: its code was
another one, and its new version has to be found from the commit in its manifest. No number changes.
"""

from __future__ import annotations

import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mobench.publish.submission import files
from mobench.publish.submission.record import Decision, append, read_record
from mobench.records.cells import Cell

Mapping = dict[str, dict[str, list[str]]]


def migrate(root: Path, mapping: Mapping) -> None:
    """Migrates every result below a leaderboard's folder.

    Args:
        root: The leaderboard's folder.
        mapping: ``tasks`` and ``organisms``: for each name its old and its new version. Receives
            ``cells`` and ``results``: for each old name the new one.
    """
    mapping["cells"], mapping["results"] = {}, {}
    for result in files.read_all(root / "results"):
        named = {cell["task"] for cell in result.cells} & mapping["tasks"].keys()
        if result.organism not in mapping["organisms"] and not named:
            continue
        manifest: dict[str, Any] = result.manifest.to_json()
        _move(manifest["organism"], "revision", mapping["organisms"].get(result.organism))
        _move(manifest["task"], "version", mapping["tasks"].get(result.task))
        # Identities follow from the planned cells: one that diverged reached fewer checkpoints.
        ids = {}
        for cell in [*manifest["cells"], *(manifest.get("controls") or ())]:
            old = cell["id"]
            _migrate_cell(cell, mapping)
            lists: dict[str, Any] = {
                name: tuple(one) if isinstance(one, list) else one for name, one in cell.items()
            }
            del lists["id"]
            ids[old] = cell["id"] = Cell(**lists).id
        for extension in manifest.get("extensions") or ():
            extension["cells"] = [ids[cell] for cell in extension["cells"]]
        cells = [{**cell, "id": ids[cell["id"]]} for cell in result.cells]
        for cell in cells:
            _migrate_cell(cell, mapping)
        rows = [{**row, "cell": ids.get(row["cell"], row["cell"])} for row in result.rows]
        shutil.rmtree(root / "results" / result.place)
        new = files.write(root / "results", manifest, cells, rows)
        mapping["cells"] |= {old: [new_id] for old, new_id in ids.items()}
        mapping["results"][result.place] = [new.relative_to(root / "results").as_posix()]


def keep_decisions(root: Path, mapping: Mapping) -> None:
    """Says of results that were written anew what was decided about them before.

    Args:
        root: The leaderboard's folder.
        mapping: With its ``results``, as :func:`migrate` leaves it.
    """
    decided, today = read_record(root).standings, datetime.now(UTC).date().isoformat()
    for old, (new,) in mapping["results"].items():
        standing = decided.get(old)
        if standing is None:
            continue
        status: Decision = "excluded" if standing.status == "excluded" else "self-reported"
        append(root, new, status, f"{standing.reason} (was {old})", today)


def _migrate_cell(cell: dict[str, Any], mapping: Mapping) -> None:
    _move(cell, "organism_revision", mapping["organisms"].get(cell["organism"]))
    _move(cell, "task_version", mapping["tasks"].get(cell["task"]))


def _move(record: dict[str, Any], key: str, versions: list[str] | None) -> None:
    if versions is None:
        return
    old, new = versions
    if record[key] != old:
        raise SystemExit(f"{key} {record[key]!r} is not the one that is mapped, {old!r}")
    record[key] = new


if __name__ == "__main__":
    path = Path(sys.argv[1])
    recorded: Mapping = json.loads(path.read_text(encoding="utf-8"))
    migrate(Path("leaderboard"), recorded)
    keep_decisions(Path("leaderboard"), recorded)
    path.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n", encoding="utf-8")
