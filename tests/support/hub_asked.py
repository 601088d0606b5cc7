"""The check before a download, as a large GPU server asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mobench.assemble.hub.parts import HubSource
from mobench.assemble.hub.preflight import preflight_hub
from mobench.machine.hardware import Hardware

SERVER = Hardware("cuda", "Some CPU", 16, 128.0, 120.0, "Some GPU", 80.0, 78.0)


def ask(organism: str, sources: Sequence[HubSource], **changes: Any) -> None:
    """Runs the check; ``changes`` are arguments that differ from the server's."""
    arguments: dict[str, Any] = {
        "needs_gpu": True,
        "offline": False,
        "hardware": SERVER,
        "needed_bytes": int(30e9),
    }
    preflight_hub(organism, sources, **{**arguments, **changes})
