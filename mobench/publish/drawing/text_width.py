"""How wide a line of text is, before anybody has drawn it.

A reader's program draws the text of an SVG in a font that it has. A box or a column that holds a
text is made as wide as the text is in DejaVu Sans; in another font it is wider or narrower.
"""

from __future__ import annotations

_BY_WIDTH = {
    200: "\N{NARROW NO-BREAK SPACE}", 275: "'", 278: "ijl", 295: "IJ", 318: " ,.", 337: "/:;\\|",
    352: "f", 361: "-", 390: "()[]", 392: "t", 401: "!", 411: "r", 460: '"', 500: "*_`", 521: "s",
    525: "z", 531: "?", 550: "c", 557: "L", 575: "F", 579: "k", 592: "vxy", 603: "P", 611: "TY",
    612: "o", 613: "a", 615: "e", 632: "E", 634: "hnu", 635: "Sbdgpq", 636: "$0123456789{}",
    656: "K", 684: "AV", 685: "XZ", 686: "B", 695: "R", 698: "C", 732: "U", 748: "N", 752: "H",
    770: "D", 775: "G", 780: "&", 787: "OQ", 818: "w", 838: "#+<=>^~×", 863: "M", 950: "%",
    974: "m", 989: "W", 1000: "@",
}  # fmt: skip
"""Characters of DejaVu Sans by their width, in thousandths of the font's height."""
_WIDTH_OF = {character: width for width, some in _BY_WIDTH.items() for character in some}
_WIDEST = max(_BY_WIDTH)


def text_width(text: str, size: float) -> float:
    """The width of a line of text in DejaVu Sans, kerning left out.

    Args:
        text: The line. A character without a known width counts as the widest one.
        size: Height of the font; the width is in the same unit.
    """
    return sum(_WIDTH_OF.get(character, _WIDEST) for character in text) * size / 1000
