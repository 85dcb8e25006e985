"""Measure reports: the time and the memory to write one, the time until its list is usable, and the time to filter it.

    python benchmarks/report.py run RUN [--rows 100000] [--folder FOLDER]
    python benchmarks/report.py view RUN [--rows 100000] [--folder FOLDER]
    python benchmarks/report.py evaluation EVALUATION [--problems 200] [--samples 100] [--folder FOLDER]

`run`: RUN is a finished run. Its dataset rows, with all that they were made from and the items that its later steps
dropped, are copied under other keys until there are enough rows. The report is written once for a tenth of the rows and
once for all, so that the growth of the memory is seen. It is opened in the Chromium of the system, with Playwright.

`view`: the page of `glotsmith view` of these copies is written, and again each time after the run has got more rows.

`evaluation`: the samples of EVALUATION are repeated, under the numbers of other problems and samples.

A copy in --folder is made once, so that each measurement can be a command of its own.
"""

import argparse
import gzip
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from tempfile import mkdtemp

from playwright.sync_api import Page, sync_playwright

from glotsmith.evaluation.result_files import RESULTS, SUMMARY
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
_REFRESH = """
import resource, sys, time
from pathlib import Path
from glotsmith.report import write_report
live, run, file = {}, Path(sys.argv[1]), Path(sys.argv[2])
for line in sys.stdin:
    start, cpu = time.perf_counter(), time.process_time()
    write_report([run], file, None, line.strip(), live)
    wall, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    print(wall, time.process_time() - cpu, used.ru_maxrss / 1024, flush=True)
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
_RUN_FILTERS = (
    "#/r0/rows?status=kept",
    "#/r0/rows?language=lua&status=kept",
    "#/r0/rows?q=check",
    "#/r0/rows?q=list+is",
    "#/r0/rows?mutants=50-60&status=kept",
    "#/r0/rows?status=kept&sort=weakest",
    "#/r0/rows",
)
_EVALUATION_FILTERS = (
    "#/r0/rows?status=pass",
    "#/r0/rows?status=fail&verdict=fail%3Aruntime",
    "#/r0/rows?q=error",
    "#/r0/rows?passed=0-10&sort=passed",
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
    last = _last_step(ledger)
    rows_of_run = len(
        ledger.execute("SELECT 1 FROM wanted JOIN real.items USING (id) WHERE step = ?", (last,)).fetchall()
    )
    copies = -(-rows // rows_of_run)
    for number in range(copies):
        _copy_items(ledger, f"{sortable(number)}~", last)
    ledger.commit()
    ledger.close()
    return copies * rows_of_run


def add_rows(source: Path, target: Path) -> int:
    """Add the dataset rows of a run once more to a copy of it, and return the number of new rows of the ledger."""
    ledger = sqlite3.connect(target / LEDGER)
    ledger.execute("ATTACH ? AS real", (str(source / LEDGER),))
    ledger.execute("CREATE TEMP TABLE wanted (id INTEGER PRIMARY KEY)")
    ledger.executemany("INSERT INTO wanted VALUES (?)", ((id_,) for id_ in _wanted(source)))
    _copy_items(ledger, f"z{time.time_ns()}~", _last_step(ledger))
    rows = ledger.execute("SELECT COUNT(*) FROM wanted").fetchone()[0]
    ledger.commit()
    ledger.close()
    return rows


def _last_step(ledger: sqlite3.Connection) -> int:
    return ledger.execute("SELECT MAX(place) FROM steps").fetchone()[0]


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
    rows = real.execute("SELECT id, step, key, status FROM item_rows")
    found = {id_ for id_, step, key, status in rows if (step, key) in keys or (status != "kept" and step > half)}
    real.close()
    return found


def _copy_items(ledger: sqlite3.Connection, prefix: str, last: int) -> None:
    """Copy the wanted items once, under keys with a prefix; dataset rows get items of their own."""
    ledger.execute(
        "INSERT INTO keys (key) SELECT DISTINCT ?1 || k.key FROM wanted JOIN real.items AS i USING (id) "
        "JOIN real.keys AS k ON k.id IN (i.key_id, i.parent_id)",
        (prefix,),
    )
    ledger.execute(
        "INSERT INTO items SELECT NULL, r.step, own.id, input.id, r.ordinal, ?1 || r.position, r.status, r.reason, "
        "r.detail, r.payload, r.tokens, r.cost FROM wanted JOIN real.item_rows AS r USING (id) "
        "JOIN keys AS own ON own.key = ?1 || r.key JOIN keys AS input ON input.key = ?1 || r.parent",
        (prefix,),
    )
    names = "address, call, sample, prompt, cached, cost, tokens"
    ledger.execute(f"INSERT INTO exchanges (item, {names}) SELECT ?1 || item, {names} FROM real.exchanges", (prefix,))
    own = ledger.execute(
        "SELECT i.id, p.data FROM item_rows AS i JOIN payloads AS p ON p.id = i.payload WHERE i.step = ? "
        "AND i.key >= ? AND i.key < ?", (last, prefix, f"{prefix}\uffff")
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


def copy_evaluation(source: Path, target: Path, problems: int, samples: int) -> int:
    """Make an evaluation with so many problems and samples of each from the samples of one, and return their number."""
    target.mkdir(parents=True)
    (target / SUMMARY).write_bytes((source / SUMMARY).read_bytes())
    with gzip.open(source / RESULTS) as file:
        real = [json.loads(line) for line in file]
    chance = random.Random(0)
    with gzip.open(target / RESULTS, "wt", compresslevel=1) as file:
        for problem in range(problems):
            benchmark, language, name = real[problem % len(real)]["question"].split("/", 2)
            for number in range(samples):
                sample = dict(chance.choice(real))
                sample |= {"question": f"{benchmark}/{language}/{name}_{problem}", "sample": number}
                file.write(json.dumps(sample) + "\n")
    return problems * samples


def measure_refreshes(run: Path, source: Path, file: Path) -> None:
    """Print the times of the page of a run in progress: the first one, and those after the run has got more rows."""
    process = subprocess.Popen(
        [sys.executable, "-c", _REFRESH, run, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin and process.stdout
    for number in range(4):
        added = add_rows(source, run) if number else 0
        process.stdin.write(f"{number}\n")
        process.stdin.flush()
        seconds, cpu, memory = map(float, process.stdout.readline().split())
        name = f"after {added} new rows of the ledger" if number else "first page"
        print(
            f"{name}: {seconds:.2f} s ({cpu:.2f} s of CPU), peak memory {memory:.0f} MB, "
            f"{file.stat().st_size / 1e6:.1f} MB",
            flush=True,
        )
    process.stdin.close()
    process.wait()


def measure_page(page: Page, file: Path, filters: Sequence[str]) -> None:
    """Print the times of a page."""
    page.add_init_script(_READY)
    start = time.perf_counter()
    page.goto(f"{file.as_uri()}#/r0/rows", timeout=120_000)
    page.wait_for_function("() => window.usableAfter", timeout=120_000)
    print(f"usable list after {page.evaluate('window.usableAfter') / 1000:.2f} s")
    print(f"whole file read after {time.perf_counter() - start:.2f} s")
    for address in filters:
        times = [page.evaluate(_FILTER, address) for _ in range(2)]
        print(f"filter {address:45} {times[0][0]:6.0f} ms, again {times[1][0]:6.0f} ms: {times[0][1]}")


def open_page(file: Path, filters: Sequence[str]) -> None:
    """Open a report in the Chromium of the system, and print its times."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox"],  # only our own file is opened
        )
        context = browser.new_context(offline=True, bypass_csp=True)  # Playwright evaluates its own expressions
        measure_page(context.new_page(), file, filters)
        browser.close()


def measure(folder: Path, file: Path, made: int) -> None:
    """Write the report of a folder, and print the time and the memory."""
    seconds, cpu, memory = measure_writer(folder, file)
    size = file.stat().st_size / 1e6
    print(
        f"{made} rows: written in {seconds:.1f} s ({cpu:.1f} s of CPU), peak memory {memory:.0f} MB, {size:.1f} MB",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("run", "view", "evaluation"))
    parser.add_argument("source", type=Path)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--problems", type=int, default=200)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--folder", type=Path, help="keep the copies here")
    options = parser.parse_args()
    folder = options.folder or Path(mkdtemp(prefix="glotsmith-report-"))
    if options.what == "evaluation":
        copy, file = folder / f"{options.problems}x{options.samples}", folder / "evaluation.html"
        if not copy.exists():
            copy_evaluation(options.source, copy, options.problems, options.samples)
        measure(copy, file, options.problems * options.samples)
        open_page(file, _EVALUATION_FILTERS)
    for rows in (options.rows // 10, options.rows) if options.what != "evaluation" else ():
        run, file = folder / str(rows), folder / f"{rows}.html"
        if not run.exists():
            copy_run(options.source, run, rows)
        if options.what == "run":
            measure(run, file, rows)
        else:
            print(f"{rows} rows")
            measure_refreshes(run, options.source, file)
    if options.what == "run":
        open_page(file, _RUN_FILTERS)
    if options.folder is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
