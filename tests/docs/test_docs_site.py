"""The documentation builds as a site, strictly: no page is left out, no link leads nowhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_of_the_documentation_is_there(site: Path) -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").with_suffix("")
        built = site / "index.html" if name.name == "index" else site / name / "index.html"
        assert built.is_file(), page


def test_the_reference_is_made_of_docstrings(site: Path) -> None:
    text = (site / "reference" / "score" / "index.html").read_text(encoding="utf-8")
    for name in ("mobench.score.RunScore", "mobench.score.comparison.difference"):
        assert f'id="{name}"' in text
    assert "MOVER, the method of variance estimates recovery" in text
    assert "__all__" not in text


def test_no_page_fetches_anything_from_another_host(site: Path) -> None:
    fetched = re.compile(r'<(?:script|img|link rel="stylesheet")[^>]+(?:src|href)="(https?:[^"]+)"')
    for page in site.rglob("*.html"):
        assert fetched.findall(page.read_text(encoding="utf-8")) == [], page
