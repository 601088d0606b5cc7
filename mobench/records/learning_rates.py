"""How a learning rate is written, everywhere the same."""

from __future__ import annotations

from decimal import Decimal


def lr_text(lr: float) -> str:
    """A learning rate as people write it: ``1e-3``, ``3e-4``, ``1.5e-3``, ``0``."""
    if lr == 0:
        return "0"
    _, digits, exponent = Decimal(repr(lr)).normalize().as_tuple()
    head, rest = str(digits[0]), "".join(map(str, digits[1:]))
    power = int(exponent) + len(digits) - 1
    return f"{head}{'.' if rest else ''}{rest}e{power}"
