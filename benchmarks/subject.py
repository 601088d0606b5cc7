"""What the benchmarks work on: an organism of the registry, built, with its task's examples."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mobench.assemble.organism import cache_root
from mobench.execute.prepare import Asked, Prepared, prepare
from mobench.machine.hardware import pick_device
from mobench.progress import Progress
from mobench.registry import collect


def asked(
    organism: str,
    *,
    runs: Path,
    preset: str = "standard",
    device: str = "auto",
    cache: Path | None = None,
    **changes: Any,
) -> Asked:
    """What ``mobench run --no-controls`` would be asked for: the ladder is what is measured.

    Args:
        organism: Its name in the registry.
        runs: Folder for the run folder.
        preset: The preset to begin with.
        device: As ``mobench run --device``.
        cache: Where built organisms are kept; the user's own cache if None.
        changes: Fields of the preset to replace, such as ``seeds=1``.
    """
    registry = collect()
    spec = registry.organism(organism)
    return Asked(
        spec=spec,
        task=registry.task(spec.default_task),
        preset_name=preset,
        preset=spec.presets[preset].model_copy(update=changes),
        device=pick_device(device),
        offline=True,
        command=f"mobench run --organism {organism}",
        runs=runs,
        cache=cache or cache_root(),
        controls=False,
    )


def subject(organism: str, **how: Any) -> Prepared:
    """The organism and its examples, as a run would use them; built if it is not there yet.

    Args:
        organism: Its name in the registry.
        how: As :func:`asked` takes it, but for ``runs``: the run folder is not kept.
    """
    with TemporaryDirectory() as folder:
        return prepare(asked(organism, runs=Path(folder), **how), collect(), Progress())
