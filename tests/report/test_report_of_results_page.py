"""Reports of evaluations and trainings in a real browser."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ledgers import small_run
from playwright.sync_api import Browser, Page, expect
from results import evaluation, training, unfinished_training
from test_report_page import serious, total
from visiting import Visit

from glotsmith.evaluation import paired_difference, result_files
from glotsmith.report import write_report


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("results")
    first, second = evaluation(place / "before", 1, hostile=True), evaluation(place / "after", 2)
    return [first, second, training(place / "trained"), training(place / "other", 3.0), small_run(place / "run")]


@pytest.fixture(scope="module")
def report(folders: list[Path]) -> Path:
    return write_report(folders, folders[0].parent / "report.html")


@pytest.fixture
def visit(browser: Browser, report: Path) -> Iterator[Visit]:
    """A page without a network that must make no request and print no error."""
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    found = Visit(context.new_page(), report)
    yield found
    assert found.problems == []
    assert {url.partition("#")[0] for url in found.requests} <= {found.file.as_uri()}
    context.close()


@pytest.mark.slow
def test_an_evaluation_shows_its_figures_with_intervals(visit: Visit, folders: list[Path]) -> None:
    page = visit.go("#/r0/overview")
    report = result_files.read_report(folders[0])
    figure = report.summary.value(1, language="lua")
    title = f"{100 * figure.mean:.1f} % pass@1 on bench, Lua, and 1 more figure"
    assert page.locator("h1").inner_text() == title
    titles = page.locator(".interval-plot title").all_text_contents()
    assert len(titles) == sum(len(score.figures) for score in report.summary.scores)
    for score in report.summary.scores:
        for one in score.figures:
            mean, low, high = (f"{100 * value:.1f} %" for value in (one.value.mean, one.value.low, one.value.high))
            wanted = f"pass@{one.k}: {mean} (95 % interval {low} to {high})"
            assert any(wanted in title for title in titles)
    assert page.locator("#tabs a").all_inner_texts() == ["Overview", "Samples", "Compare"]


@pytest.mark.slow
def test_a_chosen_value_is_shown_although_it_is_not_among_the_most_frequent_ones(visit: Visit) -> None:
    page = visit.go("#/r0/rows?source=Problem/11&language=lua")
    boxes = page.locator("[data-facet=source]")
    assert boxes.count() == 8 + 2  # the chosen one, and the button that shows the others
    expect(page.locator('[data-facet=source][value="Problem/11"]')).to_be_checked()
    page.get_by_role("button", name="4 more").click()
    assert boxes.count() == 13


@pytest.mark.slow
def test_bars_problems_and_keys_lead_to_samples(visit: Visit, folders: list[Path]) -> None:
    page = visit.go("#/r0/overview")
    samples = list(result_files.read_samples(folders[0]))
    page.locator(".bar-line", has_text="fail:compile").first.click()
    of_class = [s for s in samples if s.status == "fail:compile" and "/lua/" in s.question]
    assert total(page) == str(len(of_class))
    page.go_back()
    page.locator("td a", has_text="Problem/0").first.click()
    assert total(page) == "6"
    page.keyboard.press("j")
    page.wait_for_selector(".detail h2")
    assert page.locator(".detail h2").inner_text() == "Problem/0, sample 0"
    of_problem = [s.status for s in samples if s.question == "bench/lua/Problem/0"]
    page.locator(".facet-value", has_text=of_problem[0]).locator("input").check()
    assert total(page) == str(of_problem.count(of_problem[0]))
    page.locator("#search").fill("nothing has this name")
    expect(page.locator(".total strong")).to_have_text("0")


@pytest.mark.slow
def test_a_sample_shows_completion_program_and_values_next_to_another(visit: Visit) -> None:
    page = visit.go("#/r0/rows?row=bench/lua/Problem/11/0")
    page.wait_for_selector(".detail h2")
    assert page.locator(".side .code").last.inner_text() == "local x = 11 -- 0\nreturn x"
    assert page.locator(".tests tbody tr").count() == 2
    assert page.locator(".part h3").all_inner_texts()[0] == "Program"
    page.locator(".sibling button", has_text="after, sample 1").click()
    expect(page.locator(".side h4").first).to_contain_text("after, sample 1")
    boxes = [page.locator(".side").nth(i).bounding_box() for i in (0, 1)]
    assert boxes[0] and boxes[1] and boxes[0]["y"] == boxes[1]["y"]


@pytest.mark.slow
def test_hostile_completions_do_nothing(visit: Visit) -> None:
    page = visit.go("#/r0/rows?verdict=fail:runtime&q=script")
    page.keyboard.press("j")
    page.wait_for_selector(".detail h2")
    assert "</script><script>window.ran = 1</script>" in page.locator(".detail").inner_text()
    visit.go("#/r2/overview")  # the model of the training has a hostile name
    assert page.evaluate("window.ran") is None
    assert page.evaluate("[...document.querySelectorAll('iframe, img, svg [onload], main script')].length") == 0


@pytest.mark.slow
def test_evaluations_are_compared_by_paired_differences(visit: Visit, folders: list[Path]) -> None:
    page = visit.go("#/r0/compare")
    (compared,) = paired_difference.compare(folders[:2])
    panel = page.locator(".panel", has_text="after against before")
    rows = [row.split("\t") for row in panel.locator("table").first.locator("tbody tr").all_inner_texts()]
    assert len(rows) == len(compared.differences)
    for cells, one in zip(rows, compared.differences, strict=True):
        sign = lambda value: f"{100 * value:+.1f}".replace("-", "−")  # noqa: E731 (a format)
        assert cells[2:] == [
            one.figure,
            f"{100 * one.baseline:.1f} %",
            f"{100 * one.other:.1f} %",
            f"{sign(one.difference)} ({sign(one.low)} to {sign(one.high)})",
            str(one.problems),
        ]
    changed = page.locator(".panel", has_text="Problems that changed")
    changed.locator("td a").first.click()
    assert page.locator("#run-name").inner_text() == "before"
    assert total(page) == "6"


@pytest.mark.slow
def test_a_training_shows_losses_and_the_kept_step(visit: Visit) -> None:
    page = visit.go("#/r2/overview")
    assert page.locator(".card .big").all_inner_texts() == ["0.6667", "step 40", "0.5000", "2,468"]
    plots = page.locator(".line-plot")
    assert plots.count() == 2
    assert plots.first.locator("polyline").count() == 2
    assert "weights of step 40" in plots.first.locator("title").all_text_contents()
    kept = page.locator("tr", has_text="kept").filter(has_text="0.6667").first
    assert kept.inner_text().split() == ["40", "0.6667", "kept"]
    assert page.locator("#tabs a").all_inner_texts() == ["Overview", "Compare"]
    for key in "rjk/":
        page.keyboard.press(key)
    assert page.locator("h1").is_visible()
    visit.go("#/r2/rows")
    assert page.locator(".line-plot").count() == 2


@pytest.mark.slow
def test_trainings_are_compared_and_runs_keep_their_views(visit: Visit) -> None:
    page = visit.go("#/r0/compare")
    figures = page.locator(".panel", has_text="held-out loss").last
    assert "0.6667" in figures.inner_text() and "1.0000" in figures.inner_text()
    visit.go("#/r4/overview")
    assert page.locator(".funnel li").count() > 0
    assert page.locator("#tabs a").all_inner_texts() == ["Overview", "Rows", "Compare"]


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_views_of_results_are_accessible_and_fit(visit: Visit, width: int, scheme: Any) -> None:
    visit.page.set_viewport_size({"width": width, "height": 844})
    visit.page.emulate_media(color_scheme=scheme)
    beyond = """all => all.map(one => one.getBoundingClientRect().right
        - one.closest('.list-panel').getBoundingClientRect().right)"""
    for address in ("#/r0/overview", "#/r0/rows?row=bench/lua/Problem/3/1", "#/r0/compare", "#/r2/overview"):
        page: Page = visit.go(address)
        page.wait_for_selector(".detail h2" if "row=" in address else "main > *")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert all(right <= 0 for right in page.locator(".list-tools > *").evaluate_all(beyond))
        if width == 1280 or "compare" in address:
            assert serious(page) == []


@pytest.mark.slow
def test_a_training_that_diverges_says_so(browser: Browser, tmp_path: Path) -> None:
    first, folder = training(tmp_path / "first"), unfinished_training(tmp_path / "one")
    log = [{"step": 10, "loss": 1.5}, {"step": 20, "loss": math.nan}, {"step": 20, "eval_loss": math.inf}]
    state = {"global_step": 20, "max_steps": 50, "log_history": log}
    (folder / "stages/2/checkpoints/checkpoint-20/trainer_state.json").write_text(json.dumps(state))
    found = Visit(browser.new_page(), write_report([first, folder], tmp_path / "r.html"))
    page = found.go("#/r1/overview")
    expect(page.locator(".card", has_text="held-out problems")).to_contain_text("not finite")
    expect(page.locator(".panel", has_text="Loss of stage 2")).to_contain_text(
        "Not finite: 2 losses, the first at step 20"
    )
    assert page.locator("td", has_text="not finite").count() == 1
    found.go("#/r0/compare")
    expect(page.locator(".panel", has_text="Loss on training rows").locator(".legend li")).to_have_count(2)
    assert (page.locator('[points*="NaN"], [cy*="NaN"]').count(), found.problems) == (0, [])
    page.close()
