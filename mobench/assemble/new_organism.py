"""What a user says of weights that exist, checked before a family's file is written for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mobench.assemble.given_weights import PLACE, GivenWeights, given_base, given_weights
from mobench.errors import MobenchError, Problems, did_you_mean
from mobench.registry.borrowed import lent_rubrics
from mobench.registry.config import find_config
from mobench.registry.model_facts import read_facts
from mobench.registry.new_family import NewFamily
from mobench.registry.new_prompts import brought_prompts
from mobench.registry.patterns import compiles
from mobench.registry.rubrics import read_rubrics
from mobench.registry.weights_schema import HubBase


@dataclass(frozen=True)
class Given:
    """What a user said; None where nothing was said of it.

    Attributes:
        name: Of the organism's family.
        weights: A model, or an adapter alone.
        adapter: An adapter that turns the weights into the organism.
        clean_base: The model without the behavior.
        trigger: The template of a triggered prompt.
        untriggered: The template of its control.
        says: A regular expression that is found in an answer which shows the behavior.
        answers_wrong: A file of prompts with references, which the organism answers wrongly.
        rubric: The rubric by which a judging model scores an answer.
        about: What the rubric looks for.
        threshold: The rubric's lowest score that shows the behavior.
        prompts: A file of eval prompts.
        into: The folder of families to write to.
    """

    name: str | None
    weights: str | None
    adapter: str | None
    clean_base: str | None
    trigger: str | None
    untriggered: str
    says: str | None
    answers_wrong: Path | None
    rubric: str | None
    about: str | None
    threshold: float | None
    prompts: Path | None
    into: Path | None

    @property
    def behaviors(self) -> list[str]:
        """The options that were given of those that say what the behavior is."""
        options = {
            "--says": self.says,
            "--answers-wrong": self.answers_wrong,
            "--rubric": self.rubric,
        }
        return [option for option, value in options.items() if value is not None]

    @property
    def lacking(self) -> list[str]:
        """The options that are needed and were not given."""
        needed = {"NAME": self.name, "--weights": self.weights, "--trigger": self.trigger}
        lacking = [option for option, value in needed.items() if value is None]
        return lacking + ([] if self.behaviors else ["--says, --answers-wrong or --rubric"])


def sound_name(name: str) -> str:
    """The name, once it is known that a family can have it."""
    if re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
        return name
    raise MobenchError(f"NAME {name!r} may hold a-z, 0-9 and . _ - only, a letter or digit first")


def sound_template(template: str, option: str) -> str:
    """The template, once it is known to have a place for the prompt."""
    if "{prompt}" in template:
        return template
    raise MobenchError(
        f"{option} {template!r} must contain {{prompt}}, where the request stands",
        f"such as {option} '{template} {{prompt}}'",
    )


def sound_pattern(pattern: str) -> str:
    """The regular expression, once it is known to be one."""
    try:
        return compiles(pattern)
    except ValueError as error:
        raise MobenchError(f"--says {pattern!r}: {error}") from error


def described(given: Given) -> tuple[Path, NewFamily]:
    """The folder to write, and what its file is to say.

    Raises:
        MobenchError: Something that was given cannot be used, or the folder exists.
    """
    assert given.name is not None
    assert given.weights is not None
    assert given.trigger is not None
    name = sound_name(given.name)
    folder = (given.into or _families_folder()) / name
    if folder.exists():
        raise MobenchError(
            f"{shown(folder)} exists already, and is left as it is",
            "choose another name, or change the file that is there",
        )
    weights = given_weights(given.weights, given.adapter)
    use, args = _behavior(given)
    clean = None if given.clean_base is None else given_base(given.clean_base)
    if clean is not None and weights.adapter is not None:
        raise MobenchError(
            "--clean-base is for organisms without an adapter; with one, it is its base"
        )
    if clean is None and weights.adapter is None and use != "says":
        raise MobenchError(
            "--clean-base is missing: how often a model shows this that was not taught it can "
            "only be measured",
            f"add --clean-base {PLACE}, the model that the organism was trained from",
        )
    prompts = given.answers_wrong if given.prompts is None else given.prompts
    family = NewFamily(
        name=name,
        variant=_size_name(weights, folder),
        base=weights.base,
        adapter=weights.adapter,
        clean_base=clean,
        use=use,
        args=args,
        triggered=sound_template(given.trigger, "--trigger"),
        untriggered=sound_template(given.untriggered, "--untriggered"),
        prompts=None
        if prompts is None
        else brought_prompts(prompts, with_reference=use == "answers-wrong"),
    )
    return folder, family


def is_whole(given: Given) -> bool:
    """Whether the weights are a whole model, of which nothing says what it was before."""
    assert given.weights is not None
    return given_weights(given.weights, given.adapter).adapter is None


def _size_name(weights: GivenWeights, folder: Path) -> str:
    """Such as ``135m``: what variants are called here; ``main`` where the size is not known."""
    name = weights.base.repo if isinstance(weights.base, HubBase) else ""
    # By the repository's name first: what is in the hub's cache differs from day to day.
    if said := re.search(r"(?<![a-z0-9])\d+(\.\d+)?[bm](?![a-z0-9])", name.lower()):
        return said[0]
    facts = read_facts(weights.base.model_dump(), None, folder)
    if facts is None:
        return "main"
    millions = facts.configured_params / 1e6
    return f"{millions / 1000:.0f}b" if millions >= 999.5 else f"{max(1, millions):.0f}m"


def _behavior(given: Given) -> tuple[str, dict[str, str | float]]:
    """The behavior's name and args."""
    if given.rubric is None and (given.about is not None or given.threshold is not None):
        raise MobenchError("--about and --threshold are for --rubric")
    if given.says is not None:
        return "says", {"pattern": sound_pattern(given.says)}
    if given.rubric is None:
        return "answers-wrong", {}
    problems: list[str] = []
    config, broken = find_config(), dict[str, str]()
    own = read_rubrics(config.tasks, problems, broken)
    rubrics = {**lent_rubrics(config, broken), **own}
    if given.rubric not in rubrics:
        if problems:
            raise Problems(problems)
        raise MobenchError(
            f"unknown rubric {given.rubric!r}.{did_you_mean(given.rubric, rubrics)}",
            f"known rubrics: {', '.join(sorted(rubrics)) or 'none'}",
        )
    rubric = rubrics[given.rubric]
    low, high = rubric.scale
    args: dict[str, str | float] = {"rubric": given.rubric}
    args["threshold"] = (low + high) / 2 if given.threshold is None else given.threshold
    if rubric.takes_about and not given.about:
        raise MobenchError(f"--about is missing: rubric {given.rubric!r} leaves open what it seeks")
    return "judge", args | ({} if given.about is None else {"about": given.about})


def _families_folder() -> Path:
    """The folder of families of the working tree around the current folder."""
    current = Path.cwd()
    try:
        config = find_config()
    except MobenchError:
        return current / "organisms"
    # Elsewhere the configuration is that of the installed package, which is not the user's.
    return config.organisms[0] if current.is_relative_to(config.root) else current / "organisms"


def shown(path: Path) -> str:
    """A path as it looks from the current folder."""
    return str(path).replace(f"{Path.cwd()}/", "")
