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
from dataclasses import dataclass, replace
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
from mobench.publish.submission.announced_plans import announced_plans, announcements
from mobench.publish.submission.copies import copies
from mobench.publish.submission.files import read
from mobench.publish.submission.findings import findings, registry_for
from mobench.publish.submission.intake import MANIFEST, ROWS, folders, told
from mobench.publish.submission.plan_replay import asked_text, still_asked
from mobench.publish.submission.record import read_record
from mobench.publish.submission.registry_checks import measured_organism
from mobench.publish.submission.reproduction import FOLDER, compare, read_reproductions
from mobench.publish.submission.standing import standing_of

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
        problems: What is wrong with it, file by file.
        malformed: Whether its files are wrong, or else only what its rows say.
    """

    problems: tuple[str, ...]
    malformed: bool


@dataclass(frozen=True)
class Results:
    """All results of a leaderboard.

    Attributes:
        drawn: What each gives that can be shown, in order of organism, task and id.
        problems: What is wrong with the others, which the board is built without; paths in them
            begin in the leaderboard's folder.
    """

    drawn: tuple[Drawn, ...]
    problems: tuple[str, ...] = ()


def draw_all(root: Path, kept: Path | None = None) -> Results:
    """Checks, recomputes and draws every result of a leaderboard.

    Args:
        root: The leaderboard's folder.
        kept: Where to keep what results give, and to take it from while nothing of it changed;
            None to recompute all.

    Raises:
        Problems: The record of decisions is not sound: nobody knows then what was excluded.
    """
    record = read_record(root)
    problems: list[str] = []
    drawn: list[Drawn] = []
    places = folders(root / "results", problems)
    for one in _drawn(places, kept):
        if isinstance(one, Refused):
            problems += cut(one.problems)
        else:
            drawn.append(one)
    entries = [one.entry for one in drawn]
    copied = copies([(entry.submission, entry.findings.answers) for entry in entries])
    again = []
    if drawn and (root / FOLDER).is_dir():
        again = read_reproductions(root, registry_for(root), problems)
    shown = []
    for one in drawn:
        place = one.entry.submission.place
        decided = record.standings.get(place)
        findings = one.entry.findings
        if place in copied:
            findings = findings.contradicting(f"{ROWS}: {copied[place]}")
        inside = [
            told_as.describe(compared)
            for told_as in again
            if told_as.is_of(one.entry.manifest)
            and (compared := compare(told_as.windows, findings.windows))
            and all(cell.inside for cell in compared)
        ]
        standing = standing_of(findings, decided, inside)
        if standing is None:
            where = root / "results" / place
            problems += cut([f"{where}/{what}" for what in findings.contradictions])
        else:
            shown.append(replace(one, entry=replace(one.entry, standing=standing)))
    known = announcements([one.entry.manifest for one in shown], announced_plans(root, problems))
    whole = tuple(
        replace(one, entry=replace(one.entry, announcement=told_before))
        for one, told_before in zip(shown, known, strict=True)
    )
    return Results(whole, tuple(told(what.removeprefix(f"{root}/")) for what in problems))


def _drawn(places: Sequence[Path], kept: Path | None) -> list[Drawn | Refused]:
    """What each result gives, taken from where it is kept while nothing of it changed."""
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
    return [one for one in found if one is not None]


TOLD = 3
"""So many problems of one result are told: the first says what is wrong with it."""


def cut(problems: Sequence[str]) -> list[str]:
    """The first few problems of a result, and how many more there are."""
    more = len(problems) - TOLD
    rest = [] if more <= 0 else [f"{problems[TOLD - 1]} (and {more} more)"]
    return [*problems[: TOLD - 1], *rest] if rest else list(problems)


def draw(folder: Path) -> Drawn | Refused:
    """Reads, checks, scores and draws one result, by its files, the registry and this code alone.

    Args:
        folder: The result's folder.
    """
    try:
        with none_collected():
            submission = read(folder)
            registry = registry_for(folder.parents[3])
            found = findings(submission, registry)
            entry = score_submission(submission)
            spec = measured_organism(submission.manifest, registry)
            if spec is not None:
                entry = entry.measured_on(spec)
            asked = still_asked(entry.score, submission.manifest)
            if asked:
                what = f"its plan asks for {asked_text(asked, submission.manifest)}"
                found = found.contradicting(f"{MANIFEST}: {what}")
            entry = replace(entry, findings=found)
    except Problems as refused:
        return Refused(tuple(refused.problems), malformed=True)
    except MemoryError:
        raise
    except Exception as error:
        # Whatever somebody put into a result, the others are shown.
        what = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        return Refused((f"{folder}: cannot be scored: {what}",), malformed=False)
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
