"""Names of files and folders in the making, and whether whoever made them is still at work.

Whatever appears whole or not at all is first written beside its place, under a name that begins
with a dot and tells host and process. A process that was killed leaves it there; by its name it is
known as nobody's.
"""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path

OLD_SECONDS = 86400.0
"""After so long what has a name of before names told the process is nobody's."""
FOREIGN_SECONDS = 7 * 86400.0
"""After so long without a change what another host began is nobody's either."""
_HOST = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[:40] or "host"
_NAME = re.compile(r"\.(?P<of>.+)\.mobench-(?P<host>[A-Za-z0-9-]+)-(?P<pid>\d+)\.[A-Za-z0-9_]+")

_OLD_NAME = re.compile(r"\..+\.[a-z0-9_]{8}")


def staging_prefix(name: str, process: int) -> str:
    """What a file or folder in the making is called, up to what makes its name its own.

    Args:
        name: What it will be called.
        process: The process that makes it.
    """
    return f".{name}.mobench-{_HOST}-{process}."


def is_own_staging(path: Path) -> bool:
    """Whether this machine is, or was, making something under this name."""
    found = _NAME.fullmatch(path.name)
    return found is not None and found["host"] == _HOST


def is_abandoned(path: Path) -> bool:
    """Whether something in the making has nobody any more who makes it.

    False for whatever has another kind of name.
    """
    found = _NAME.fullmatch(path.name)
    try:
        changed = path.lstat().st_mtime
    except FileNotFoundError:
        return False
    if found is None:
        earlier = _OLD_NAME.fullmatch(path.name) is not None
        return earlier and time.time() - changed > OLD_SECONDS
    if found["host"] != _HOST:
        return time.time() - changed > FOREIGN_SECONDS
    import psutil

    try:
        # Numbers of processes come round: one that began later did not make it.
        return bool(psutil.Process(int(found["pid"])).create_time() > changed + 1)
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
