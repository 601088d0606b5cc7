"""How two results differ: the difference of two independent estimates, with its interval."""

from __future__ import annotations

import math

from mobench.score.estimate import Estimate

METHOD = "mover"


def difference(one: Estimate, other: Estimate) -> Estimate:
    """Returns ``one - other`` with an interval, from the intervals of the two.

    MOVER, the method of variance estimates recovery, which keeps intervals that are lopsided or end
    at 0 or 1 as they are: Zou & Donner, Statistics in Medicine 27 (2008) 1693, equation 7.

    Args:
        one: An estimate with an interval.
        other: One of other runs, at the same level. Where both were asked the same prompts, they
            err alike, and the interval is wider than it need be.

    Returns:
        The difference; None throughout where either has no estimate or no interval.
    """
    if one.estimate is None or other.estimate is None:
        return Estimate(None, None, None, "one of the two has no estimate")
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return Estimate(None, None, None, "one of the two has no interval")
    value = one.estimate - other.estimate
    down = math.hypot(one.estimate - one.low, other.high - other.estimate)
    up = math.hypot(one.high - one.estimate, other.estimate - other.low)
    return Estimate(value, value - down, value + up, METHOD)
