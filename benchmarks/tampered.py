"""How a leaderboard takes tampered results: what becomes of each, in what time and memory.

    python -m benchmarks.tampered            # all of them, some ten minutes
    python -m benchmarks.tampered --only 50  # every tenth or so

Each is written into a leaderboard of its own and checked by a process of its own, which has
collected the registry already, as a check of many results has. Time and memory are that process's.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.tampered_all import tampered  # type: ignore[import-not-found]
from support.tampering import Tampered  # type: ignore[import-not-found]

from mobench.publish.pages.board import draw_all
from mobench.publish.submission.findings import registry_for

SECONDS, MEGABYTES = 10.0, 500.0
"""What no tampered result may take more of."""


def fate(root: Path) -> str:
    """What becomes of the one result of a leaderboard: refused, a status, or nothing."""
    results = draw_all(root)
    if results.problems:
        return "refused"
    statuses = {one.entry.standing.status for one in results.drawn}
    return ", ".join(sorted(statuses)) or "nothing"


def in_a_process(one: Tampered) -> tuple[str, float, float, float]:
    """The fate of a tampered result, the seconds and megabytes that it took, and wall seconds."""
    with tempfile.TemporaryDirectory() as folder:
        one.leave(Path(folder))
        out = Path(folder) / "fate"
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            try:
                out.write_text(fate(Path(folder)))
            except BaseException:
                out.write_text(f"traceback: {traceback.format_exc().splitlines()[-1]}")
            os._exit(0)
        _, _, used = os.wait4(child, 0)
        wall = time.monotonic() - started
        told = out.read_text() if out.is_file() else "killed"
    return told, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, wall


def main() -> None:
    """Prints the counts, the slowest and the largest; fails where any got through."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", type=int, help="so many of them, evenly chosen")
    asked = parser.parse_args()
    registry_for(Path("/"))
    every = list(tampered())
    chosen = every if asked.only is None else every[:: max(1, len(every) // asked.only)]
    fates: Counter[str] = Counter()
    slowest, largest = (0.0, ""), (0.0, "")
    bad = []
    for one in chosen:
        told, seconds, megabytes, _ = in_a_process(one)
        fates[told.split(":")[0]] += 1
        slowest = max(slowest, (seconds, one.name))
        largest = max(largest, (megabytes, one.name))
        caught = told in ("refused", "unverified")
        if not caught or seconds > SECONDS or megabytes > MEGABYTES:
            bad.append(f"{one.name}: {told}, {seconds:.1f} s, {megabytes:.0f} MB")
            print(bad[-1], flush=True)
    print(f"{len(chosen)} tampered results: {dict(fates)}")
    print(f"slowest {slowest[0]:.1f} s ({slowest[1]}), largest {largest[0]:.0f} MB ({largest[1]})")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"before any of them, a process has {own:.0f} MB")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
