"""A pull request's new results are shown beside those of the main branch."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "leaderboard" / "results"


def told(ours: Path, theirs: Path) -> str:
    command = [sys.executable, "-m", "ci.compare_new", str(ours), str(theirs)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_new_results_are_compared_with_the_same_organism_s(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    old, new = (one for one in sorted((RESULTS / "fried-tiny" / "toy-benign").iterdir()))
    other = next((RESULTS / "triple-tiny" / "toy-thrice").iterdir())
    for root, folders in ((ours, [old]), (theirs, [old, new, other])):
        for folder in folders:
            shutil.copytree(folder, root / folder.relative_to(RESULTS.parent))
    bad = theirs / "results" / "fried-tiny" / "toy-benign" / ("0" * 12)
    shutil.copytree(new, bad)
    text = told(ours, theirs)
    assert "**3 new results**" in text
    assert f"fried-tiny · toy-benign · {new.name}" in text
    assert old.name not in text.split("    ")[0]
    assert "    " in text, "numbers stand in a block"
    assert "Nothing of this organism is on the board yet." in text
    assert "hash of the content" in text, "a result that is none says why, and hides no other"


def test_without_new_results_it_says_so(tmp_path: Path) -> None:
    for name in ("ours", "theirs"):
        (tmp_path / name / "results").mkdir(parents=True)
    assert "**0 new results**" in told(tmp_path / "ours", tmp_path / "theirs")
