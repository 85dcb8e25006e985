"""Reports in a real browser: every view, filter, search, key and address, hostile texts, and accessibility."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from ledgers import HOSTILE, LONG_LINE, any_run, small_run
from playwright.sync_api import Browser, Page, expect
from visiting import Visit

from glotsmith.report import write_report
from glotsmith.report.listed_rows import ListLimits
from glotsmith.run_folder import RunFolder


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("reports")
    run, other = small_run(place / "small"), any_run(place / "other", 3)
    return {
        "run": run,
        "one": write_report([run], place / "one.html"),
        "few": write_report([run], place / "few.html", ListLimits(rows=8, examples=3)),
        "two": write_report([run, other], place / "two.html"),
    }


@pytest.fixture
def visit(browser: Browser, files: dict[str, Path]) -> Iterator[Visit]:
    """A page without a network that must make no request and print no error."""
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    found = Visit(context.new_page(), files["one"])
    yield found
    assert found.problems == []
    assert {url.partition("#")[0] for url in found.requests} <= {found.file.as_uri()}
    context.close()


def names(page: Page) -> list[str]:
    return page.locator(".row-name bdi").all_inner_texts()


def total(page: Page) -> str:
    return page.locator(".total strong").inner_text()


@pytest.mark.slow
def test_the_overview_shows_the_numbers_of_the_ledger(visit: Visit, files: dict[str, Path]) -> None:
    page = visit.go()
    assert page.locator("h1").inner_text() == "25 rows for 13 problems in 2 languages"
    assert page.locator(".card .big").all_inner_texts()[1:] == ["undocumented", "name_0", "$0.0010"]
    with RunFolder.open(files["run"]) as folder:
        funnel = folder.ledger.funnel()
    lines = page.locator(".funnel li").all_inner_texts()
    assert len(lines) == len(funnel)
    for line, row in zip(lines, funnel, strict=True):
        assert f"{row.taken} in, {row.dropped} dropped, {row.made} out" in line
        for reason, count in (row.reasons | row.losses).items():
            assert f"{reason} {count}" in line
    page.get_by_role("button", name="OCaml").click()
    assert "12 out" in page.locator(".funnel li").nth(4).inner_text()


@pytest.mark.slow
def test_a_bar_filters_the_list(visit: Visit) -> None:
    page = visit.go()
    page.locator('.funnel a.part-bar[title*="undocumented"]').click()
    assert (total(page), len(names(page))) == ("5", 5)
    page.go_back()
    page.locator(".bar-line", has_text="OCaml").first.click()
    expect(page.locator(".total strong")).to_have_text("12")
    page.go_back()
    page.locator('.histogram a[aria-label^="Mutation score, 50 to 54"]').click()
    assert set(names(page)) == {"name_0", "name_1"}


@pytest.mark.slow
def test_the_reasons_to_stop_sampling_are_shown_and_filter_the_list(visit: Visit) -> None:
    page = visit.go()
    line = page.locator("section.panel", has_text="Why sampling stopped").locator("tbody tr", has_text="OCaml")
    assert line.inner_text().replace("\n", "\t").split("\t")[-3:] == ["12", "18", "12"]
    assert "few_new_rows 12 another reply is too unlikely to give a new distinct row" in line.inner_text()
    line.locator("a", has_text="few_new_rows").click()
    assert "stop=few_new_rows" in page.url and total(page) == "18"  # 12 solutions, and 6 programs that failed
    page.keyboard.press("j")
    expect(page.locator(".detail")).to_contain_text("sampling stopped after 1 reply, because another reply is")


@pytest.mark.slow
def test_a_list_says_how_many_rows_of_the_ledger_it_has(visit: Visit, files: dict[str, Path]) -> None:
    visit.file = files["few"]
    page = visit.go("#/r0/rows?reason=undocumented&status=dropped")
    assert page.locator(".total").inner_text().startswith("3 of 5 rows are in this file")


@pytest.mark.slow
def test_facets_search_and_order(visit: Visit) -> None:
    page = visit.go("#/r0/rows")
    page.locator('[data-facet=status][value="kept"]').check()
    page.locator('[data-facet=language][value="lua"]').check()
    assert total(page) == "13"
    page.locator("select[aria-label=Order]").select_option("weakest")
    assert names(page)[:2] == ["name_0", "name_1"]
    page.keyboard.press("/")
    page.keyboard.type("NAME_11")
    expect(page.locator(".total strong")).to_have_text("1")
    assert "q=NAME_11" in page.url
    page.keyboard.press("Escape")
    page.get_by_role("button", name="search").click()
    assert total(page) == "13"


@pytest.mark.slow
def test_a_filter_keeps_the_focus(visit: Visit) -> None:
    page = visit.go("#/r0/rows")
    focused = "document.activeElement.dataset.facet + ' ' + document.activeElement.value"
    for facet, value in (("status", "kept"), ("language", "lua")):
        page.locator(f'[data-facet={facet}][value="{value}"]').focus()
        page.keyboard.press("Space")
        assert page.evaluate(focused) == f"{facet} {value}"
    assert total(page) == "13"
    page.locator(".chip", has_text="lua").click()
    assert page.evaluate("document.activeElement.id") == "search"


@pytest.mark.slow
def test_keys_move_and_an_address_leads_to_a_row(visit: Visit) -> None:
    page = visit.go("#/r0/rows?language=lua&status=kept")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.locator('.row[aria-selected="true"] bdi').inner_text() == "name_1"
    page.keyboard.press("k")
    expect(page.locator(".detail h2")).to_have_text("name_0")
    address = page.url
    page.keyboard.press("?")
    assert page.locator("dialog").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert page.locator(".detail h2").count() == 0
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector(".detail h2")
    assert page.locator(".detail h2").inner_text() == "name_0"
    page.keyboard.press("o")
    assert page.locator("h1").is_visible()


@pytest.mark.slow
def test_a_row_shows_programs_side_by_side_tests_and_lineage(visit: Visit) -> None:
    page = visit.go("#/r0/rows?row=translate/lua-1:0")
    page.wait_for_selector(".detail h2")
    left, right = page.locator(".side .code").all_inner_texts()
    assert left.startswith("def f(s, n):") and right == "end"
    boxes = [page.locator(".side").nth(i).bounding_box() for i in (0, 1)]
    assert boxes[0] and boxes[1] and boxes[0]["y"] == boxes[1]["y"] and boxes[0]["x"] < boxes[1]["x"]
    cells = [row.split("\t") for row in page.locator(".tests tbody tr").all_inner_texts()]
    assert cells[0][1:4] == ['f("a)b", 1)', "[1, 2]", "[1, 2]"]
    assert cells[1][2].strip() == "[]" and "unexpected symbol" in cells[1][3]
    assert page.locator(".tests .verdict").all_inner_texts()[:2] == ["pass", "fail:compile"]
    assert page.locator(".track .lost").inner_text() == "translate"
    page.locator(".sibling button", has_text="OCaml pass").click()
    expect(page.locator(".side h4").first).to_have_text("OCaml pass")
    assert page.locator(".t-word", has_text="return").count() > 0 or page.locator(".t-number").count() > 0


@pytest.mark.slow
@pytest.mark.parametrize("row", ["dataset/sol-lua-20", "translate/lua-20:0"])
def test_hostile_texts_are_shown_and_do_nothing(visit: Visit, row: str) -> None:
    page = visit.go(f"#/r0/rows?row={row}")
    page.wait_for_selector(".detail h2")
    assert page.evaluate("window.ran") is None
    code = page.locator(".side .code").last
    assert "</script><script>window.ran = 1</script><!-- <img" in code.inner_text()
    marks = code.locator(".hidden-character").all_inner_texts()
    assert marks == ["U+202E", "U+202C", "U+2066", "U+2069", "U+200B", "U+0000", "U+0007"]
    assert page.evaluate("[...document.querySelectorAll('iframe, img, svg [onload], .detail script')].length") == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("main *").evaluate_all(
        "all => all.every(one => [...one.attributes].every(a => !/^on/.test(a.name)))"
    )
    page.locator(".exchange summary").first.click() if page.locator(".exchange").count() else None
    assert page.evaluate("window.ran") is None


@pytest.mark.slow
def test_a_long_line_is_cut_until_it_is_requested(visit: Visit) -> None:
    page = visit.go("#/r0/rows?row=dataset/sol-lua-20")
    page.wait_for_selector(".detail .more")
    shown = "document.querySelector('.side:last-child code').textContent.length"
    assert page.evaluate(shown) < 30_000
    page.locator(".side .more").last.click()
    assert page.evaluate(shown) > len(LONG_LINE) + len(HOSTILE)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def serious(page: Page) -> list[tuple[str, Any]]:
    found = Axe().run(page).response["violations"]
    return [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found if v["impact"] in ("serious", "critical")]


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_views_are_accessible_and_fit(visit: Visit, width: int, scheme: Any) -> None:
    visit.page.set_viewport_size({"width": width, "height": 844})
    visit.page.emulate_media(color_scheme=scheme)
    for hash_ in ("#/r0/overview", "#/r0/rows?language=lua", "#/r0/rows?row=translate/lua-1:0"):
        page = visit.go(hash_)
        page.wait_for_selector(".detail h2" if "row=" in hash_ else "main > *")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if (width, scheme) in ((1280, "light"), (390, "dark")):
            assert serious(page) == []
    if width == 390:
        assert not page.locator(".list-panel").is_visible()
        page.get_by_role("button", name="List").click()
        assert page.locator(".list-panel").is_visible()


@pytest.mark.slow
def test_the_theme_has_a_switch(visit: Visit) -> None:
    page = visit.go()
    dark = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="light")
    light = page.evaluate(dark)
    page.keyboard.press("t")
    assert page.evaluate(dark) == light
    page.locator("#theme").click()
    assert page.evaluate(dark) != light
    page.locator("#theme").click()
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(dark) != light


@pytest.mark.slow
def test_a_printed_report_has_all_of_the_overview(visit: Visit) -> None:
    page = visit.go()
    page.emulate_media(media="print")
    assert not page.locator("#tabs").is_visible()
    assert page.locator(".panel h2").count() >= 6
    assert page.pdf()[:4] == b"%PDF"


@pytest.mark.slow
def test_two_runs_are_compared(visit: Visit, files: dict[str, Path]) -> None:
    visit.file = files["two"]
    page = visit.go()
    assert page.locator("h1").inner_text() == "small and other"
    assert page.locator("table thead").first.inner_text().split() == ["small", "other"]
    assert page.locator("tr", has_text="inputs").first.inner_text().split()[1] == "21"
    page.keyboard.press("r")
    page.locator("#run-choice").select_option("other")
    expect(page.locator("#run-name")).to_have_text("other")
    assert total(page) != "0"


@pytest.mark.slow
def test_a_file_that_is_cut_off_gets_a_sentence(browser: Browser, files: dict[str, Path], tmp_path: Path) -> None:
    text = files["one"].read_text("utf-8")
    cut = tmp_path / "cut.html"
    cut.write_text(text[: text.index('<script type="application/gzip" id="r0b0')], "utf-8")
    page = browser.new_page()
    page.goto(f"{cut.as_uri()}#/r0/rows?row=dataset/sol-lua-20")
    page.wait_for_selector("[role=alert]")
    assert "The file is cut off" in page.locator("[role=alert]").inner_text()
    page.close()
