"""What a pull request's new results look like beside those that are there; from the main branch.

    python -m ci.compare_new leaderboard SUBMITTED/leaderboard >> summary.md

Each new result is compared with the newest of the same organism and task on the main branch, or,
where there is none, with the newest of the same organism. Nothing of what is submitted is run.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mobench.errors import MobenchError
from mobench.publish.comparison_text import comparison_text
from mobench.publish.named_result import named_result

MOST = 20
"""Results that are compared; a pull request has one or two."""
WIDTH = 100


def main(ours: Path, theirs: Path) -> None:
    """Prints Markdown.

    Args:
        ours: The main branch's leaderboard.
        theirs: The pull request's.
    """
    known = {place(folder): folder for folder in results(ours)}
    new = [folder for folder in results(theirs) if place(folder) not in known]
    print(f"**{len(new)} new results**" if len(new) != 1 else "**One new result**")
    for folder in new[:MOST]:
        organism, task, _ = place(folder)
        same = [one for where, one in known.items() if where[0] == organism]
        reference = [one for one in same if place(one)[1] == task] or same
        print(f"\n{quoted(' · '.join(place(folder)))}\n")
        if not reference:
            print("Nothing of this organism is on the board yet.")
            continue
        try:
            text = comparison_text(
                named_result(str(max(reference, key=begun)), ours),
                named_result(str(folder), theirs),
                WIDTH,
            )
        except (MobenchError, ValueError) as error:
            text = str(error)
        print("\n".join(f"    {line}" for line in text.splitlines()))
    if len(new) > MOST:
        print(f"\n… and {len(new) - MOST} more")


def results(root: Path) -> list[Path]:
    """The folders of a leaderboard's results."""
    found = sorted((root / "results").glob("*/*/*"))
    return [one for one in found if one.is_dir() and not one.is_symlink()]


def place(folder: Path) -> tuple[str, str, str]:
    """Organism, task and id, by the folders' names."""
    return folder.parent.parent.name, folder.parent.name, folder.name


def begun(folder: Path) -> str:
    """When a result of ours was begun."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return str(manifest.get("created") or "")


def quoted(text: str) -> str:
    """A name that can be nothing but a name in Markdown."""
    return "".join(one if one.isalnum() or one in " ·.-_" else "?" for one in text[:300])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
