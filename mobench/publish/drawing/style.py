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
