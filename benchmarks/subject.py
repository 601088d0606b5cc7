"""What the benchmarks work on: an organism of the registry, built, with its task's examples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mobench.execute.ladder import Ladder, lay_out
from mobench.gate.request import RunRequest, resolve
from mobench.progress import Progress
from mobench.registry import collect
from mobench.run_options import RunOptions


def request_for(
    organism: str,
    *,
    runs: Path,
    preset: str = "standard",
    device: str = "auto",
    cache: Path | None = None,
    **changes: Any,
) -> RunRequest:
    """The request of ``mobench run --no-controls``: the ladder is what is measured.

    Args:
        organism: Its name in the registry.
        runs: Folder for the run folder.
        preset: The preset to begin with.
        device: As ``mobench run --device``.
        cache: Where built organisms are kept; the user's own cache if None.
        changes: Fields of the preset to replace, such as ``seeds=1``.
    """
    options = RunOptions(
        organism, preset=preset, no_controls=True, device=device, offline=True, runs=runs
    )
    request = resolve(options, collect())
    changed = replace(request, preset=request.preset.model_copy(update=changes))
    return changed if cache is None else replace(changed, cache=cache)


def subject(organism: str, **how: Any) -> Ladder:
    """The organism and its examples, as a run would use them; built if it is not there yet.

    Args:
        organism: Its name in the registry.
        how: As :func:`request_for` takes it, but for ``runs``: the run folder is not kept.
    """
    with TemporaryDirectory() as folder:
        return lay_out(request_for(organism, runs=Path(folder), **how), collect(), Progress())
