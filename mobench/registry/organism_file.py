"""An organism named by the path of its file: ``path/to/organism.toml``, or with ``::VARIANT``.

A file in a registry's own folder is that registry's. Any other is collected alone: with the tasks,
suites and shared tables that mobench ships, and with what lies beside it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mobench.errors import MobenchError, did_you_mean
from mobench.registry.config import Config, configured, shipped_config
from mobench.registry.organism_spec import OrganismSpec

FILE = "organism.toml"


@dataclass(frozen=True)
class FileChoice:
    """An organism's file, and which of its variants is meant.

    Attributes:
        path: The file.
        variant: The variant's name; None for the only one.
    """

    path: Path
    variant: str | None

    def among(self, organisms: Mapping[str, OrganismSpec]) -> OrganismSpec:
        """The organism of that file.

        Args:
            organisms: What was collected with the file.

        Raises:
            MobenchError: The file has no such variant, or several and none was named.
        """
        found = {spec.variant: spec for spec in organisms.values() if spec.path == self.path}
        names = ", ".join(found) or "none"
        if self.variant is None and len(found) == 1:
            return next(iter(found.values()))
        if self.variant is None:
            raise MobenchError(
                f"{self.path} has several variants: {names}",
                f"name one: {self.path}::{next(iter(found), 'VARIANT')}",
            )
        if self.variant not in found:
            hint = did_you_mean(self.variant, found)
            raise MobenchError(
                f"{self.path} has no variant {self.variant!r}.{hint}", f"its variants: {names}"
            )
        return found[self.variant]


def file_choice(asked: str) -> FileChoice | None:
    """What a user typed as an organism, if it is a path; None where it is a name."""
    path, _, variant = asked.partition("::")
    if not path.endswith(".toml") and os.sep not in path and path not in (os.curdir, os.pardir):
        return None
    file = Path(path).expanduser()
    if file.is_dir():
        file = file / FILE
    return FileChoice(file.resolve(), variant or None)


def config_of_file(path: Path) -> Config:
    """What to collect for an organism's file.

    Raises:
        Problems: The configuration of the registry that the file is in is malformed.
        MobenchError: There is no such file, or this installation ships no tasks to run it with.
    """
    if not path.is_file():
        raise MobenchError(
            f"{path} does not exist",
            f"give the path of an {FILE}, or a name that `mobench list` shows",
        )
    if path.name == FILE:
        for folder in path.parents[1:]:
            config = configured(folder)
            if config is not None and path.parent.parent in config.organisms:
                return config
    shipped = shipped_config()
    if shipped is None:
        raise MobenchError(
            f"{path} is in no registry, and this installation ships no tasks to train it on",
            "reinstall mobench, or put the file into organisms/NAME/ beside a tasks/ folder",
        )
    return replace(shipped, organism_file=path)
