"""A hook of MkDocs: what a page links to outside of docs/ is named, since a site has it not."""

from __future__ import annotations

import re
from typing import Any

_OUTSIDE = re.compile(r"\[([^\]]*)\]\(\.\./([^)#]+)(?:#[^)]*)?\)")


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Writes the path of a file of the repository behind what was a link to it.

    Args:
        markdown: The page.
        page: MkDocs' record of it; pages in a folder of docs/ reach docs/ itself by ``..``.
    """
    if "/" in page.file.src_uri:
        return markdown
    return _OUTSIDE.sub(r"\1 (`\2`)", markdown)
