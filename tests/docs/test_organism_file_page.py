"""The page of the organism's file is what the schema says, and says something of every key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ci.organism_file_page import SECTIONS, Section, meanings, page, schemas

PAGE = Path(__file__).parents[2] / "docs" / "organism-file.md"


def test_the_committed_page_is_that_of_the_schema() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "write it: python -m ci.organism_file_page docs/organism-file.md"
    )


def test_every_table_that_a_file_may_hold_has_its_section() -> None:
    assert {section.schema for section in SECTIONS} >= schemas()


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
def test_every_key_of_a_table_has_a_row_that_says_what_it_means(section: Section) -> None:
    said = meanings(section.schema)
    keys = set(section.schema.model_fields)
    assert said.keys() >= keys, f"document {sorted(keys - said.keys())} of {section.schema}"
    text = page().split(f"## `{section.title}`\n")[1].split("\n## ")[0]
    for key in keys - ({"name"} if section.title.startswith("rubrics") else set()):
        (row,) = re.findall(rf"^\| `{key}` \| .+$", text, re.MULTILINE)
        assert not re.search(r"\|\s*\|", row)


def test_links_on_the_page_lead_to_its_sections() -> None:
    text = page()
    heads = re.findall(r"^## (.+)$", text, re.MULTILINE)
    anchors = {
        "".join(c for c in head.lower() if c.isalnum() or c in " -_").replace(" ", "-")
        for head in heads
    }
    assert set(re.findall(r"\]\(#([^)]*)\)", text)) <= anchors
