"""Check the rows of a language: programs that must get the expected verdicts, and hostile programs that must fail."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from glotsmith.languages.card import Card
from glotsmith.languages.proof_rows import DEFAULT_SIGNATURE, DEFAULT_TESTS, ProofRow, read_proof_rows
from glotsmith.records import Job, Status, Verdict
from glotsmith.verification import Verifier

CODE_POINT_ORDER = "code_point_order"  #: the row that checks that strings are not sorted by a locale
MIN_ROWS = 15  #: smallest number of rows of ``verdicts.toml``
#: statuses that the rows of a language must produce
STATUSES: tuple[Status, ...] = (
    *("pass", "fail:compile", "fail:wrong", "fail:runtime", "fail:timeout", "fail:memory", "fail:output", "fail:exit"),
)
#: the attacks that ``hostile.toml`` contains if the language allows them
ATTACKS = (
    *("exit_at_load", "exit_in_the_call", "forged_results", "forged_on_every_descriptor", "patched_equality"),
    *("patched_printers", "reads_its_source", "reads_other_programs", "endless_loop", "memory_bomb", "process_bomb"),
    *("disk_filler", "endless_output", "network", "kills_everything", "ignores_signals", "leaves_children"),
    "plants_symlinks",
)
_LONGEST = 300  #: largest number of characters of stderr in a message

Tick = Callable[[], None]  #: called after each judged program


def missing_rows(card: Card) -> list[str]:
    """Return a message for each requirement that ``verdicts.toml`` does not meet."""
    table = read_proof_rows(card.name)
    missing = [f"verdicts.toml has {len(table)} rows; the minimum is {MIN_ROWS}"] if len(table) < MIN_ROWS else []
    if passing_row(card) is None:
        missing.append("verdicts.toml has no row that must pass")
    if CODE_POINT_ORDER not in table:
        missing.append(
            f"verdicts.toml has no row {CODE_POINT_ORDER!r}, which checks that strings are sorted by code points"
        )
    if card.level != "full":
        return missing
    if "accepted" not in table:
        missing.append("verdicts.toml has no row 'accepted', the identity function that the check calls with values")
    shown = {status for row in table.values() for status in row.expected_statuses}
    return missing + [f"verdicts.toml has no row that expects {s}" for s in STATUSES if s not in shown]


def passing_row(card: Card) -> ProofRow | None:
    """Return a row that must pass: ``accepted``, else the first such row."""
    return _find_row(card, "accepted", "pass")


def wrong_row(card: Card) -> ProofRow | None:
    """Return a row with a wrong result: ``wrong``, else the first such row."""
    return _find_row(card, "wrong", "fail:wrong")


def _find_row(card: Card, title: str, status: Status) -> ProofRow | None:
    table = read_proof_rows(card.name)
    return table.get(title) or next((row for row in table.values() if row.expected_statuses == (status,)), None)


def verdict_error(title: str, row: ProofRow, verdict: Verdict, table: str = "verdicts") -> str:
    """Return a message if a row did not get its verdict; "" if it did."""
    cases = tuple(c.status for c in verdict.cases)
    if verdict.status not in row.expected_statuses:
        what = f"got {verdict.status} instead of {' or '.join(row.expected_statuses)}"
    elif row.cases and cases != row.cases:
        what = f"has cases that got {', '.join(cases)} instead of {', '.join(row.cases)}"
    elif row.detail not in verdict.detail:
        what = f"does not have the detail {row.detail!r}"
    else:
        return ""
    errors = (
        verdict.detail or " ".join(verdict.stderr.split()) or "; ".join(c.actual for c in verdict.cases if c.actual)
    )
    return f"row {title!r} of {table}.toml {what}{f'. Error: {errors[-_LONGEST:]}' if errors else ''}"


async def check_verdicts(card: Card, verifier: Verifier, tick: Tick) -> list[str]:
    """Judge every row of ``verdicts.toml``; return a message for each that did not get its verdict."""

    async def one(title: str, row: ProofRow) -> str:
        verdict = await verifier.verify(row.job(card.name, title))
        tick()
        return verdict_error(title, row, verdict)

    errors = await asyncio.gather(*(one(title, row) for title, row in read_proof_rows(card.name).items()))
    return [sentence for sentence in errors if sentence]


async def compare_warm_and_cold(card: Card, warm: Verifier, cold: Verifier, tick: Tick) -> list[str]:
    """Judge each row of ``verdicts.toml`` warm and cold; return a message for each wrong or different result.

    A row with several allowed verdicts may get different ones.
    """

    async def one(title: str, row: ProofRow) -> str:
        job = row.job(card.name, title)
        first, second = await warm.verify(job), await cold.verify(job)
        tick()
        found = [[v.status, *(c.status for c in v.cases)] for v in (first, second)]
        if (wrong := verdict_error(title, row, second)) or len(row.expected_statuses) > 1 or found[0] == found[1]:
            return wrong
        return f"row {title!r} of verdicts.toml got {', '.join(found[0])} warm and {', '.join(found[1])} cold"

    errors = await asyncio.gather(*(one(title, row) for title, row in read_proof_rows(card.name).items()))
    return [sentence for sentence in errors if sentence]


async def check_hostile_row(card: Card, verifier: Verifier, title: str, row: ProofRow) -> list[str]:
    """Judge a hostile row, which must fail, then a correct and a wrong program, which must get their verdicts."""
    errors = [verdict_error(title, row, await verifier.verify(row.job(card.name, title)), "hostile")]
    if "pass" in row.expected_statuses:
        errors.append(f"row {title!r} of hostile.toml allows a pass, but a hostile program must fail")
    for kind, then in (("honest", passing_row(card)), ("wrong", wrong_row(card))):
        if then is not None:
            why = verdict_error(kind, then, await verifier.verify(then.job(card.name, f"{kind} after {title}")))
            errors.append(f"after row {title!r} of hostile.toml, {why}" if why else "")
    return [sentence for sentence in errors if sentence]


async def check_hostile_rows(card: Card, verifier: Verifier, tick: Tick) -> list[str]:
    """Judge every row of ``hostile.toml``, each followed by a correct and a wrong program."""
    errors: list[str] = []
    for title, row in read_proof_rows(card.name, "hostile").items():
        errors.extend(await check_hostile_row(card, verifier, title, row))
        tick()
    return errors


def missing_attacks(card: Card) -> Sequence[str]:
    """Return the attacks without a row in ``hostile.toml``."""
    return [attack for attack in ATTACKS if attack not in read_proof_rows(card.name, "hostile")]


async def check_wrong_result(card: Card, verifier: Verifier) -> list[str]:
    """Run a correct function with one wrong test: only that case must fail."""
    right = read_proof_rows(card.name)["accepted"]
    tests = ("assert f(1) == 1", "assert f(2) == 3")
    job: Job = msgspec.structs.replace(right, tests=tests).job(card.name, "mutant")
    verdict = await verifier.verify(job)
    if verdict.status == "fail:wrong" and [c.status for c in verdict.cases] == ["pass", "fail:wrong"]:
        return []
    return [f"a function that returned 2 got {verdict.status}, although 3 was expected"]


async def check_stub_program(card: Card, verifier: Verifier) -> list[str]:
    """Run the stub of a language of whole programs on a call test: it must start and fail."""
    if not card.syntax.stub:
        return [f"{card.card_path} has no stub in [syntax], so recipes and benchmarks refuse the language"]
    job = Job(id="stub", language=card.name, code=card.syntax.stub, tests=DEFAULT_TESTS, signature=DEFAULT_SIGNATURE)
    verdict = await verifier.verify(job)
    if verdict.status in ("fail:runtime", "fail:wrong"):
        return []
    return [f"the stub in [syntax] got {verdict.status}. It must start and fail. {verdict.stderr[-_LONGEST:]}".strip()]
