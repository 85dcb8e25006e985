"""Take the pictures of reports that the documentation shows, in the Chromium of the system.

    python scripts/screenshots.py runs/demo --evaluations runs/untrained runs/trained
    python scripts/screenshots.py runs/demo --all FOLDER    # each view, light and dark, 1280 and 390 px wide

The run is that of scripts/demo.sh. Needs playwright, and pillow to reduce the pictures to 128 colours.
"""

import argparse
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from glotsmith.report import write_report

IMAGES = Path(__file__).parents[1] / "docs" / "images"
COLOURS = 128

#: opens the first row with a name that matches the filters
OPEN_ROW = """name => {
  const run = app.view.run, row = [...app.view.items].find((one) => run.name[one] === name);
  go(rowAddress(run, row, Object.fromEntries(app.view.filters)));
}"""


class Picture(NamedTuple):
    """One picture: an address of a report, and the row of the list that is opened."""

    name: str
    address: str = ""
    row: str = ""  #: name of the row; "" for none
    scheme: str = "light"
    width: int = 1280
    height: int = 860


OF_RUN = (
    Picture("report-overview"),
    Picture("report-row", "#/r0/rows?status=kept", "frequencies", "dark", height=820),
    Picture("report-duplicate", "#/r0/rows?reason=near_duplicate", "bisect_left"),
)
OF_EVALUATIONS = (Picture("report-evaluations", width=1180, height=760),)
VIEWS = (
    Picture("overview"),
    Picture("kept", "#/r0/rows?status=kept&sort=weakest", "*"),
    Picture("duplicate", "#/r0/rows?reason=near_duplicate", "*"),
)


@contextmanager
def open_page(browser: Browser, file: Path, picture: Picture) -> Iterator[Page]:
    """Open the page of a picture, without a network."""
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height}, color_scheme=picture.scheme, offline=True
    )
    page = context.new_page()
    page.goto(f"{file.as_uri()}{picture.address}")
    page.wait_for_selector("body[data-ready]")
    if picture.row == "*":
        page.keyboard.press("j")
    elif picture.row:
        page.evaluate(OPEN_ROW, picture.row)
    if picture.row:
        page.wait_for_selector(".detail h2")
    yield page
    context.close()


def take(browser: Browser, file: Path, picture: Picture, folder: Path, *, full: bool = False) -> None:
    """Write one picture."""
    with open_page(browser, file, picture) as page:
        data = page.screenshot(full_page=full, animations="disabled")
    target = folder / f"{picture.name}.png"
    Image.open(BytesIO(data)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)


def main() -> None:
    """Read the command line, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--evaluations", type=Path, nargs=2, help="folders of glotsmith evaluate, to compare")
    parser.add_argument("--all", type=Path, help="write a picture of each view to this folder instead")
    options = parser.parse_args()
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox"],  # only our own file is opened
        )
        report = write_report([options.run], Path(folder) / "run.html")
        if options.all:
            options.all.mkdir(parents=True, exist_ok=True)
            for view, scheme, width in product(VIEWS, ("light", "dark"), (1280, 390)):
                shown = view._replace(name=f"{view.name}-{scheme}-{width}", scheme=scheme, width=width)
                take(browser, report, shown, options.all, full=not view.row)
        else:
            for picture in OF_RUN:
                take(browser, report, picture, IMAGES)
        if options.evaluations:
            compared = write_report(options.evaluations, Path(folder) / "evaluations.html")
            for picture in OF_EVALUATIONS:
                take(browser, compared, picture, options.all or IMAGES)
        browser.close()


if __name__ == "__main__":
    main()
