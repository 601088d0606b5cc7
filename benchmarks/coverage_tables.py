"""The simulations' figures as the tables of docs/method.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tabulate import tabulate

Row = Mapping[str, Any]
NEEDED = 0.93


def tables(kept: Mapping[str, Any]) -> str:
    """All tables whose figures are there, in order."""
    makers: dict[str, Callable[[Sequence[Row]], str]] = {
        "plateau": plateau_table,
        "split": split_table,
        "moving": moving_table,
        "headline": headline_table,
        "unknown": unknown_table,
        "ranks": rank_table,
        "looks": looks_table,
        "verdict": verdict_table,
    }
    parts = []
    for name, make in makers.items():
        if name in kept:
            parts.append(f"{make(kept[name]['rows'])}\n\n{_counted(kept[name])}")
    return "\n\n".join(parts)


def _counted(section: Mapping[str, Any]) -> str:
    usual = section["replicates"]
    again = sum(row.get("replicates", usual) > usual for row in section["rows"])
    text = f"{usual:,} replicates for each scenario"
    if again:
        text += f"; {again} that came near the line were drawn afresh, five times as often"
    return f"{text}."


def plateau_table(rows: Sequence[Row]) -> str:
    """Coverage and width by seeds and prompts; the worst of what meets the assumption, and not."""
    lines = []
    for over in ("suite", "prompts"):
        for seeds in (1, 3, 5, 10):
            for prompts in (30, 100, 400):
                here = [
                    row
                    for row in rows
                    if (row["over"], row["seeds"], row["prompts"]) == (over, seeds, prompts)
                ]
                lines.append([over, seeds, prompts, *_coverage_cells(here)])
    held = [row for row in rows if row["assumed"] and row["seeds"] >= 3]
    good = sum(row["coverage"] >= NEEDED for row in held)
    text = _table(
        lines,
        ["over", "seeds", "prompts", "scenarios", "lowest coverage", "mean coverage",
         "mean width", "known variance", "seeds near a bound: lowest"],
    )  # fmt: skip
    worst = min(held, key=lambda row: row["coverage"])
    return (
        f"### Plateau\n\n{text}\n\n"
        f"Of {len(held)} scenarios with at least three seeds that meet the assumption, {good} "
        f"cover at {NEEDED} or more; the lowest is {worst['coverage']:.3f} ({_scenario(worst)}). "
        "*Known variance* is the mean width of an interval that knew the true standard error; "
        "*seeds near a bound* are scenarios that break the assumption: seeds whose spread exceeds "
        "half the distance of the rate from 0 or 1, and so are skewed. One seed: of that run's own "
        "plateau under *suite*; of all seeds' under *prompts*, which one seed cannot speak for."
    )


def split_table(rows: Sequence[Row]) -> str:
    """Two-point mixtures."""
    lines = [
        [f"{row['share']:.0%}", row["seeds"], _p(row["own"]), _p(row["pooled"]),
         _p(row["agree"]), _p(row["unanimous"]), _p(row["told"])]
        for row in rows
    ]  # fmt: skip
    text = _table(
        lines,
        ["seeds that lose it", "seeds run", "coverage, own variance", "coverage, pooled",
         "all seeds agree", "by formula", "told that they disagree"],
    )  # fmt: skip
    return f"### Seeds that split\n\n{text}"


def moving_table(rows: Sequence[Row]) -> str:
    """Curves that are not flat."""
    lines = [
        [row["kind"], row["plateau"], row["seeds"], row["prompts"], _p(row["converged"]),
         _p(row["returned"]), _p(row["coverage"])]
        for row in rows
    ]  # fmt: skip
    text = _table(
        lines, ["curve", "mean", "seeds", "prompts", "called converged", "returned", "coverage"]
    )
    drifts = [row["converged"] for row in rows if row["kind"] == "drift"]
    return (
        f"### Curves that move\n\n{text}\n\nFalse *converged* on a drift of 0.1 over the window: "
        f"at most {max(drifts):.3f}."
    )


def headline_table(rows: Sequence[Row]) -> str:
    """Bias, coverage and width of three ways to give the lowest of several rungs."""
    lines = [
        [row["shape"], row["rungs"], row["seeds"], row["sd"], _signed(row["bias_chosen"]),
         _signed(row["bias_fitted"]), _signed(row["bias_plain"]), _p(row["coverage_kept"]),
         _p(row["coverage_chosen"]), _width(row["width_kept"]), _p(row["coverage_both"]),
         _width(row["width_both"]), _p(row["coverage_split"]), _width(row["width_split"])]
        for row in rows
    ]  # fmt: skip
    text = _table(
        lines,
        ["rungs' shape", "rungs", "seeds", "sd", "bias", "above the lowest", "plain minimum",
         "coverage", "of the chosen", "width", "both sides corrected", "width",
         "chosen on one seed", "width"],
    )  # fmt: skip
    bias = max(abs(row["bias_chosen"]) for row in rows)
    low = min(min(row["coverage_kept"], row["coverage_chosen"]) for row in rows)
    return (
        f"### Choosing a rung\n\n{text}\n\nLargest bias {bias:.3f}, lowest coverage {low:.3f}. "
        "*Bias* is against the true rate at the rungs that were chosen, *above the lowest* against "
        "the lowest true rate of all; *coverage* is of the lowest true rate, *of the chosen* of "
        "the rate at the chosen rungs."
    )


def unknown_table(rows: Sequence[Row]) -> str:
    """Coverage of resistance where a rung's capability is hard to tell."""
    lines = [
        [row["loss"], row["sd"], row["seeds"], _p(row["coverage"]), _p(row["left_out"]),
         _width(row["width"])]
        for row in rows
    ]  # fmt: skip
    text = _table(
        lines,
        ["true loss", "sd of seeds", "seeds", "coverage", "without unknown rungs", "width"],
    )
    return (
        f"### Unknown capability\n\n{text}\n\nThe behavior is gone, truly admissibly, at every "
        "rung above the standard one. *Without unknown rungs* is how often the lower bound held "
        "while rungs of undetermined capability were left out of it, as they once were."
    )


def rank_table(rows: Sequence[Row]) -> str:
    """Wrong orders and power of three ways to order the rows of a board."""
    rules = ("rows", "overlap", "holm")
    lines = [
        [row["board"], row["plan"], *(_p(row[f"wrong_{rule}"]) for rule in rules),
         *(_p(row[f"power_{rule}"]) if f"power_{rule}" in row else "" for rule in rules)]
        for row in rows
    ]  # fmt: skip
    text = _table(
        lines,
        ["board", "plan", "any wrong order", "overlap of 95 %", "Holm on t",
         "power", "overlap of 95 %", "Holm on t"],
    )  # fmt: skip
    return (
        f"### Order of rows\n\n{text}\n\nThirty rows of 100 prompts. *Any wrong order*: the share "
        "of boards on which any row is put above one that is truly as resistant. *Power*: of pairs "
        "that are truly at least 0.3 apart, the share that is put in order. *Equal*: all at 0.6; "
        "*spread* evenly from 0.02 to 0.98; *groups*: ten each at 0.02, 0.5 and 0.98; all with "
        "seeds' sd from 0.02 to 0.15 or half the distance to 0 or 1. *Some split*: of 30 spread "
        "rows 5 have seeds of which 10 to 50 % lose the behavior and the others keep it. *Half "
        "split*: 15 such rows and 15 of the same means whose seeds do not part. *Ladders*: five "
        "rows each of six kinds of whole ladder, whose capability has to be told too; each kind "
        "was simulated a tenth as often as boards were drawn from it."
    )


def looks_table(rows: Sequence[Row]) -> str:
    """Two rules for adding seeds, exactly."""
    rules = [key for key in rows[0] if key != "dissent"]
    lines = [
        [f"{row['dissent']:.0%}", rule,
         *(_p(row[rule][key]) for key in ("most", "against", "depends", "open")),
         f"{row[rule]['seeds']:.1f}"]
        for row in rows
        for rule in rules
    ]  # fmt: skip
    text = _table(
        lines,
        ["dissent", "rule", "for most", "against", "depends on the seed", "open", "seeds"],
    )
    return (
        f"### Looks\n\n{text}\n\nExact, for one rung. Both rules call an even split for one side "
        "in at most 5 % of cases. The second, a group-sequential sign test in which it depends on "
        "the seed from three contrary ones on, decides for most seeds more often at a dissent of "
        "20 % and takes more seeds to do it; the first says earlier that it depends on the seed. A "
        "run uses the first."
    )


def verdict_table(rows: Sequence[Row]) -> str:
    """How often each verdict is reached in each world, and what each plan comes to."""
    words = ("resists", "defeated", "defeated only at high LR", "depends on the seed",
             "no fair test", "undetermined")  # fmt: skip
    lines = [
        [row["world"],
         *(f"**{row['said'][w]:.3f}**" if w in row["truths"] else _p(row["said"][w])
           for w in words),
         _p(row["wrong"]), f"{row['cells']:.1f}"]
        for row in rows
        if row["plan"] == "the plan"
    ]  # fmt: skip
    text = _table(lines, ["organism", *words, "wrong", "cells"])
    plans = list(dict.fromkeys(row["plan"] for row in rows))
    whole = _table([_of_plan(plan, rows) for plan in plans],
                   ["", "most wrong in any world", "mean undetermined", "mean cells"])  # fmt: skip
    return (
        f"### Verdicts\n\n{text}\n\nBold: true in that world. Five rungs, 60 prompts, nine "
        f"checkpoints in the window, three tasks of 200 questions.\n\n{whole}"
    )


def _of_plan(plan: str, rows: Sequence[Row]) -> list[str]:
    own = [row for row in rows if row["plan"] == plan]
    return [
        plan,
        _p(max(row["wrong"] for row in own)),
        _p(_mean(row["undetermined"] for row in own)),
        f"{_mean(row['cells'] for row in own):.1f}",
    ]


def _coverage_cells(rows: Sequence[Row]) -> list[str]:
    held = [row for row in rows if row["assumed"]]
    broken = [row["coverage"] for row in rows if not row["assumed"]]
    return [
        str(len(held)),
        _p(min(row["coverage"] for row in held)),
        _p(_mean(row["coverage"] for row in held)),
        _width(_mean(row["width"] for row in held)),
        _width(_mean(row["oracle"] for row in held)),
        _p(min(broken)) if broken else "",
    ]


def _scenario(row: Row) -> str:
    keys = ("over", "seeds", "prompts", "plateau", "sd", "correlation", "difficulty")
    return ", ".join(f"{key} {row[key]}" for key in keys)


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers)


def _p(share: float) -> str:
    return f"{share:.3f}"


def _width(value: float) -> str:
    return f"{value:.2f}"


def _signed(value: float) -> str:
    return f"{value:+.3f}"


def _table(lines: Sequence[Sequence[Any]], headers: Sequence[str]) -> str:
    return str(tabulate(lines, headers=headers, tablefmt="github", disable_numparse=True))
