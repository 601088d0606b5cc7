"""What a run may need beside this machine's processors: optional packages, disk, the hub."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from mobench.execute.smoke_run import Finding
from mobench.machine.hardware import GIB

OPTIONAL = {
    "ray": ("runs on a cluster (--on)", "pip install 'mobench[ray]'"),
    "s3fs": ("copies of runs on S3 (--copy-to s3://…)", "pip install s3fs"),
}
"""Packages that only some options need: what for, and how to get them."""
ROOM = 5 * GIB
"""Bytes that the cache should have: a 135M with its base, several times over."""
PATIENCE = 5.0
"""Seconds that the hub has to answer."""


def surroundings(cache: Path) -> Iterator[Finding]:
    """Yields what is found of each.

    Args:
        cache: Where organisms are built.
    """
    for name, (what, remedy) in OPTIONAL.items():
        try:
            yield Finding(name, True, metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Finding(name, None, f"not installed; needed for {what}", remedy)
    yield _disk(cache)
    yield _hub()


def _disk(cache: Path) -> Finding:
    place = next(folder for folder in (cache, *cache.parents) if folder.is_dir())
    free = shutil.disk_usage(place).free
    said = f"{cache}, {free / GIB:.1f} GiB free"
    elsewhere = "name another folder with MOBENCH_CACHE"
    if not os.access(place, os.W_OK):
        return Finding("cache", False, f"{said}, and {place} may not be written", elsewhere)
    if free < ROOM:
        return Finding("cache", False, said, f"free some, or {elsewhere}")
    return Finding("cache", True, said)


def _hub() -> Finding:
    """Whether the model hub answers, at the address that huggingface_hub takes."""
    import httpx
    from huggingface_hub import constants

    address = constants.ENDPOINT
    if constants.HF_HUB_OFFLINE:
        return Finding("hub", None, "not asked: HF_HUB_OFFLINE is set")
    try:
        answer = httpx.get(f"{address}/api/models?limit=1", timeout=PATIENCE, follow_redirects=True)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        why = str(error) or type(error).__name__
        return Finding(
            "hub",
            None,
            f"{address} does not answer: {why}",
            "what is built here or lies in a folder needs none; give --offline",
        )
    return Finding("hub", True, f"{address} answers")
