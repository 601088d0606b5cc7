"""A page of the leaderboard, which is markdown, as HTML for the site."""

from __future__ import annotations

import html
import re

from markdown_it import MarkdownIt

_SHELL = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="../../style.css">
</head>
<body class="page">
<main>
{body}
</main>
</body>
</html>
"""
_LINK = re.compile(r'href="([^":]*)\.md(#[^"]*)?"')


def page_html(markdown: str) -> str:
    """Turns a page of ``leaderboard/organisms`` into one of the site.

    The page's own HTML stays; what others wrote in it was escaped when the page was made.

    Args:
        markdown: The page.
    """
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    body = parser.render(markdown).replace('href="../../README.md"', 'href="../../index.html"')
    title = next(line for line in markdown.splitlines() if line.startswith("# "))
    named = html.escape(re.sub(r"\\(.)", r"\1", title.removeprefix("# ")))
    return _SHELL.format(title=named, body=_LINK.sub(r'href="\1.html\2"', body))
