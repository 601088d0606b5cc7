"""Where mobench keeps what it made: bases, organisms, their answers, what results gave."""

from __future__ import annotations

import os
from pathlib import Path


def cache_root() -> Path:
    """Returns where built organisms are kept: ``$MOBENCH_CACHE``, or the user's cache folder."""
    if chosen := os.environ.get("MOBENCH_CACHE"):
        return Path(chosen).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(cache).expanduser() / "mobench"
