"""What was asked of a run, kept in its folder, so that other processes can join it."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from mobench.errors import MobenchError
from mobench.gate.request import RunRequest
from mobench.records.reading import read_json
from mobench.run_options import RunOptions
from mobench.store import RunFolder
from mobench.store.atomic import write_json

REMEDY = "give the run's own command once more: it writes the file"


@with_config(ConfigDict(extra="forbid"))
class Asked(TypedDict):
    """``asked.json``. It says where things lie on the machine that asked, and is not published.

    Attributes:
        root: The folder that the command was given in.
        options: The options, by their names.
    """

    root: str
    options: dict[str, Any]


ASKED: TypeAdapter[Asked] = TypeAdapter(Asked)
OPTIONS: TypeAdapter[RunOptions] = TypeAdapter(RunOptions)


def keep_asked(folder: RunFolder, request: RunRequest) -> None:
    """Writes what is asked of a run."""
    options = request.options
    if Path(options.organism).is_file():
        options = replace(options, organism=str(Path(options.organism).absolute()))
    written = {name: _plain(value) for name, value in asdict(options).items()}
    write_json(folder.asked(), {"root": str(Path.cwd()), "options": written})


def read_asked(folder: RunFolder) -> tuple[Path, RunOptions]:
    """Returns the folder that a run was asked for in, and its options with this run's place.

    Raises:
        MobenchError: The run folder does not say, or says it of another version of mobench.
    """
    try:
        asked = read_json(folder.asked(), ASKED, REMEDY)
        known = {item.name for item in fields(RunOptions)}
        options = OPTIONS.validate_python(asked["options"])
        if not asked["options"].keys() <= known:
            raise ValueError("unknown options")
    except FileNotFoundError:
        raise MobenchError(
            f"{folder.path} does not say what was asked of it",
            "give a folder that `mobench run` has begun; " + REMEDY,
        ) from None
    except (ValidationError, ValueError) as error:
        raise MobenchError(f"{folder.asked()} cannot be used: {error}", REMEDY) from error
    return Path(asked["root"]), replace(options, runs=folder.path.parent)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value
