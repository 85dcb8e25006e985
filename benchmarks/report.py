"""Measure reports: the time and the memory to write one, the time until its list is usable, and the time to filter it.

    python benchmarks/report.py RUN [--rows 100000] [--folder FOLDER]

RUN is a finished run. Its dataset rows, with all that they were made from and the items that its later steps dropped,
are copied under other keys until there are enough rows. The report is written once for a tenth of the rows and once for
all, so that the growth of the memory is seen. It is opened in the Chromium of the system, with Playwright.
"""

import argparse
import json
import shutil
import sqlite3
import subprocess
import sys
import time
from hashlib import blake2b
from pathlib import Path
from tempfile import mkdtemp

from playwright.sync_api import Page, sync_playwright

from glotsmith.ledger import Ledger
from glotsmith.ledger_rows import sortable
from glotsmith.run_folder import CACHE, CONFIG, LEDGER

_WRITE = """
import resource, sys, time
from pathlib import Path
from glotsmith.report import write_report
start = time.perf_counter()
write_report([Path(sys.argv[1])], Path(sys.argv[2]))
wall, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
print(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""
_READY = """
const timer = setInterval(() => {
  if (document.body?.dataset.ready && document.querySelector(".row")) {
    window.usableAfter = performance.now(); clearInterval(timer);
  }
}, 2);
"""
_FILTER = """
(address) => {
  history.replaceState(null, "", address);
  const start = performance.now();
  show();
  document.body.getBoundingClientRect();
  return [performance.now() - start, document.querySelector(".total").textContent];
}
"""
_FILTERS = (
    "#/r0/rows?status=kept",
    "#/r0/rows?language=lua&status=kept",
    "#/r0/rows?q=check",
    "#/r0/rows?q=list+is",
    "#/r0/rows?mutants=50-60&status=kept",
    "#/r0/rows?status=kept&sort=weakest",
    "#/r0/rows",
)


def copy_run(source: Path, target: Path, rows: int) -> int:
    """Make a run with at least ``rows`` dataset rows from a run, and return their number."""
    target.mkdir(parents=True)
    shutil.copy(source / CONFIG, target / CONFIG)
    shutil.copy(source / CACHE, target / CACHE)
    made = Ledger(target / LEDGER)
    made.exchanges.create_tables()
    made.close()
    wanted = _wanted(source)
    ledger = sqlite3.connect(target / LEDGER)
    ledger.execute("ATTACH ? AS real", (str(source / LEDGER),))
    ledger.executescript("""
        INSERT INTO steps SELECT * FROM real.steps;
        INSERT INTO payloads SELECT * FROM real.payloads;
        INSERT INTO prompts SELECT * FROM real.prompts;
    """)
    ledger.execute("CREATE TEMP TABLE wanted (id INTEGER PRIMARY KEY)")
    ledger.executemany("INSERT INTO wanted VALUES (?)", ((id_,) for id_ in wanted))
    last = ledger.execute("SELECT MAX(place) FROM steps").fetchone()[0]
    rows_of_run = len(
        ledger.execute("SELECT 1 FROM wanted JOIN real.items USING (id) WHERE step = ?", (last,)).fetchall()
    )
    copies = -(-rows // rows_of_run)
    for number in range(copies):
        _copy_items(ledger, f"{sortable(number)}~", last)
    ledger.commit()
    ledger.close()
    return copies * rows_of_run


def _wanted(source: Path) -> set[int]:
    """Return the ids of the items that dataset rows were made from, and of all that late steps dropped or lost."""
    ledger = Ledger(source / LEDGER, read_only=True)
    steps = {name: place for place, name in enumerate(ledger.steps)}
    keys = {
        (steps[step], key)
        for row in ledger.kept_rows(ledger.steps[-1])
        for step, key in ledger.groups.ancestors(row.step, row.key)
    }
    ledger.close()
    real = sqlite3.connect(f"file:{source / LEDGER}?mode=ro", uri=True)
    half = len(steps) // 2
    rows = real.execute("SELECT id, step, key, status FROM items")
    found = {id_ for id_, step, key, status in rows if (step, key) in keys or (status != "kept" and step > half)}
    real.close()
    return found


def _copy_items(ledger: sqlite3.Connection, prefix: str, last: int) -> None:
    """Copy the wanted items once, under keys with a prefix; dataset rows get items of their own."""
    ledger.execute(
        "INSERT INTO items SELECT NULL, step, ?1 || key, ?1 || parent, ordinal, ?1 || position, status, reason, "
        "detail, payload, tokens, cost FROM wanted JOIN real.items USING (id)",
        (prefix,),
    )
    names = "address, call, sample, prompt, cached, cost, tokens"
    ledger.execute(f"INSERT INTO exchanges (item, {names}) SELECT ?1 || item, {names} FROM real.exchanges", (prefix,))
    own = ledger.execute(
        "SELECT i.id, p.data FROM items AS i JOIN payloads AS p ON p.id = i.payload WHERE i.step = ? AND i.key >= ? "
        "AND i.key < ?", (last, prefix, f"{prefix}\uffff")
    ).fetchall()  # fmt: skip
    for id_, data in own:
        row = json.loads(data)
        for name in ("id", "parallel_id"):
            row[name] = blake2b(f"{prefix}{row[name]}".encode(), digest_size=16).hexdigest()
        payload = ledger.execute("INSERT INTO payloads (data) VALUES (?)", (json.dumps(row).encode(),)).lastrowid
        ledger.execute("UPDATE items SET payload = ? WHERE id = ?", (payload, id_))


def measure_writer(run: Path, file: Path) -> tuple[float, float, float]:
    """Write a report in a process of its own, and return seconds, CPU seconds and peak memory in MB."""
    done = subprocess.run([sys.executable, "-c", _WRITE, run, file], capture_output=True, text=True, check=True)
    seconds, cpu, memory = map(float, done.stdout.split())
    return seconds, cpu, memory


def measure_page(page: Page, file: Path) -> None:
    """Print the times of a page."""
    page.add_init_script(_READY)
    start = time.perf_counter()
    page.goto(f"{file.as_uri()}#/r0/rows", timeout=120_000)
    page.wait_for_function("() => window.usableAfter", timeout=120_000)
    print(f"usable list after {page.evaluate('window.usableAfter') / 1000:.2f} s")
    print(f"whole file read after {time.perf_counter() - start:.2f} s")
    for address in _FILTERS:
        times = [page.evaluate(_FILTER, address) for _ in range(2)]
        print(f"filter {address:45} {times[0][0]:6.0f} ms, again {times[1][0]:6.0f} ms: {times[0][1]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="keep the copies here")
    options = parser.parse_args()
    folder = options.folder or Path(mkdtemp(prefix="glotsmith-report-"))
    for rows in (options.rows // 10, options.rows):
        run, file = folder / str(rows), folder / f"{rows}.html"
        made = copy_run(options.run, run, rows)
        seconds, cpu, memory = measure_writer(run, file)
        size = file.stat().st_size / 1e6
        print(
            f"{made} rows: written in {seconds:.1f} s ({cpu:.1f} s of CPU), peak memory {memory:.0f} MB, {size:.1f} MB",
            flush=True,
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox"],  # only our own file is opened
        )
        context = browser.new_context(offline=True, bypass_csp=True)  # Playwright evaluates its own expressions
        measure_page(context.new_page(), file)
        browser.close()
    if options.folder is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
