"""Generated tables inside pages that are written by hand."""

from __future__ import annotations


def insert(text: str, page: str, name: str) -> str:
    """Puts a text between the markers of that name, in place of what is there.

    Raises:
        ValueError: The page has no such markers.
    """
    begin, end = f"<!-- {name}: generated, do not edit -->", f"<!-- /{name} -->"
    start, stop = page.index(begin) + len(begin), page.index(end)
    return f"{page[:start]}\n\n{text}\n\n{page[stop:]}"
