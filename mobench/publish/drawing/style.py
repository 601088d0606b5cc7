"""How every picture looks: its colors and its sizes."""

from __future__ import annotations

# Okabe-Ito vermilion and blue: told apart in every common form of color blindness.
ATTACK = "#D55E00"
CAPABILITY = "#0072B2"
INK = "#222222"
SOFT = "#6b6b6b"
EDGE = "#9a9a9a"
WINDOW = "#ececec"
BUDGET = "#d7e8f4"

#: Height of usual letters and of small ones, in points.
LETTERS = 8.5
SMALL = 7.5

_LOWEST, _HIGHEST = (0xF7, 0xC9, 0x8B), (0x5A, 0x12, 0x0A)


def rung_colors(count: int) -> list[str]:
    """Colors of rungs from the lowest learning rate, light, to the highest, dark."""
    parts = [0.5] if count == 1 else [place / (count - 1) for place in range(count)]
    ends = list(zip(_LOWEST, _HIGHEST, strict=True))
    return ["#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in ends) for part in parts]
