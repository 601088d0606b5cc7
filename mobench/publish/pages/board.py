"""Every result of a leaderboard read, checked, scored and drawn, on all cores.

Each result is recomputed from its own rows and needs no other, so where there are many, processes
share them. What comes back is in the order of the folders, byte for byte what one process gives.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mobench.errors import Problems
from mobench.machine.control_groups import ROOT, cores
from mobench.machine.garbage_collection import none_collected
from mobench.publish.drawing.dose_plot import dose_svg
from mobench.publish.drawing.frontier_plot import frontier_svg
from mobench.publish.drawing.ladder_plot import ladder_svg
from mobench.publish.drawing.removal_plot import removal_svg
from mobench.publish.pages.drawn_before import DrawnBefore
from mobench.publish.pages.entry import Entry, score_submission
from mobench.publish.pages.front_page import MARKER
from mobench.publish.submission.files import REMEDY, ROWS, folders, read

#: Packed rows that are worth starting processes for, in bytes: some three seconds of work.
WORTH_IT = 2_000_000

R = TypeVar("R")


@dataclass(frozen=True)
class Drawn:
    """A result as its pages need it.

    Attributes:
        entry: The files and every number, without the rows.
        plots: File name → SVG.
    """

    entry: Entry
    plots: Mapping[str, bytes]


@dataclass(frozen=True)
class Refused:
    """A result that cannot be shown.

    Attributes:
        problems: What is wrong with it.
        malformed: Whether its files are wrong, or else only what its rows say.
    """

    problems: tuple[str, ...]
    malformed: bool


def draw_all(results: Path, kept: Path | None = None) -> list[Drawn]:
    """Recomputes and draws every result below a folder.

    Args:
        results: The leaderboard's ``results`` folder.
        kept: Where to keep what results give, and to take it from while nothing of it changed;
            None to recompute all.

    Returns:
        What each gives, in order of organism, task and id.

    Raises:
        Problems: Any result is malformed or cannot be scored.
    """
    malformed: list[str] = []
    places = folders(results, malformed)
    before = None if kept is None else DrawnBefore(kept, Drawn)
    known = {} if before is None else {place: before.read(place) for place in places}
    changed = [place for place in places if known.get(place) is None]
    made = dict(zip(changed, each(draw, changed, processes(changed)), strict=True))
    if before is not None:
        for place, one in made.items():
            if isinstance(one, Drawn):
                before.keep(place, one)
        before.clear_old()
    found = [made.get(place) or known[place] for place in places]
    refused = [one for one in found if isinstance(one, Refused)]
    malformed += [problem for one in refused if one.malformed for problem in one.problems]
    if malformed:
        raise Problems(malformed, REMEDY)
    if refused:
        raise Problems([problem for one in refused for problem in one.problems])
    return [one for one in found if isinstance(one, Drawn)]


def draw(folder: Path) -> Drawn | Refused:
    """Reads, checks, scores and draws one result.

    Args:
        folder: The result's folder.
    """
    try:
        with none_collected():
            entry = score_submission(read(folder))
    except Problems as found:
        return Refused(tuple(found.problems), malformed=True)
    except ValueError as error:
        return Refused((f"{folder}: {error}",), malformed=False)
    plots = {
        entry.plot_name: ladder_svg(entry.score, note=MARKER),
        entry.narrow_plot_name: ladder_svg(entry.score, note=MARKER, narrow=True),
        entry.frontier_plot_name: frontier_svg(entry.score, note=MARKER, chance=entry.chance),
        entry.removal_plot_name: removal_svg(entry.score, note=MARKER),
        entry.dose_plot_name: dose_svg(entry.score, note=MARKER, found=entry.dose),
    }
    return Drawn(entry.without_rows(), plots)


def each(work: Callable[[Path], R], places: Sequence[Path], count: int) -> list[R]:
    """Does the same for each result.

    Args:
        work: A function of a module, to be found by its name in another process.
        places: The results' folders.
        count: How many processes share them; this one does them all where it is 1.

    Returns:
        What it gave for each.
    """
    if count > 1:
        # Whoever calls this may have threads, which a fork would leave in the middle of things.
        context = multiprocessing.get_context("spawn")
        try:
            with ProcessPoolExecutor(count, context, signal.signal, _LEAVE_STOPPING_TO_US) as pool:
                return list(pool.map(work, places))
        except (BrokenProcessPool, OSError):
            pass  # no memory for so many, or a system that allows no more: one can still do it
    return [work(place) for place in places]


_LEAVE_STOPPING_TO_US = (signal.SIGINT, signal.SIG_IGN)


def processes(places: Sequence[Path]) -> int:
    """How many processes pay for these results."""
    packed = (place / ROWS for place in places)
    size = sum(path.stat().st_size for path in packed if path.is_file())
    return min(cores(ROOT), len(places)) if size >= WORTH_IT else 1
