"""The time that a pack takes, shared by its cells."""

from __future__ import annotations

import time


class LaneClock:
    """Tells each lane's share of the time since it was last asked.

    All lanes of a pack take their steps in one pass, so there is no time of any one of them: each
    is given an equal share of the whole.

    Args:
        lanes: How many share.
    """

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        self._since = time.monotonic()

    def share(self) -> float:
        """Seconds of one lane since the clock was made, or since it last told."""
        now = time.monotonic()
        passed, self._since = now - self._since, now
        return passed / self._lanes
