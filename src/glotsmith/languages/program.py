"""Turn a job into a program that a sandbox runs: the main function is ``job_program``.

A job with tests becomes a driver that calls the candidate's function once per test (``call_program``). A job with stdin
and stdout, with its own program, or in a language of level ``io`` becomes a whole program that runs as it is
(``whole_program``).
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from glotsmith.languages import render
from glotsmith.languages.card import Card, get_card
from glotsmith.languages.compatible_values import Tolerance
from glotsmith.languages.json_calls import exchanges_json
from glotsmith.languages.representable import Unrepresentable, require_representable
from glotsmith.languages.toolchain import InstalledToolchain, prepare_toolchain
from glotsmith.languages.typed_calls import apply_signature, parse_suite
from glotsmith.records import CompilerServer, Job, Limits, Program, WarmInterpreter, content_hash
from glotsmith.values import Check, Signature, Value, expected_values

WALL_FACTOR = 6.0  #: wall limit / CPU limit: a loaded machine must not turn right answers into timeouts
_LARGE_SUITE = 65_536  #: characters of tests; only a few templates of larger suites are cached


class JobProgram(NamedTuple):
    """The program of a job, and the data that its output is judged by."""

    program: Program
    mark: str = ""  #: the token that begins protocol lines; "" for a whole program
    expected: tuple[Value | Check, ...] = ()  #: one for each call, in order; empty for a whole program
    declaration: str = ""  #: the entry point's signature; "" for a whole program and in a language without types


def job_program(job: Job, limits: Limits, first_test: int = 0) -> JobProgram:
    """Return the program to run for a job.

    Args:
        job: a job in any language.
        limits: resource limits of the program.
        first_test: the index of the first test that the program calls; earlier ones are left out.

    Raises:
        NotLiteral: a test or the signature cannot be parsed.
        Unrepresentable: a value, a type or the name has no form in the language.
        ToolchainError: the machine has no toolchain of the language.

    """
    if job.io or job.program or exchanges_json(job.language):
        return JobProgram(whole_program(get_card(job.language), job.program or job.code, limits))
    suite_template = _suite_template if sum(map(len, job.tests)) < _LARGE_SUITE else _large_suite_template
    tolerance = Tolerance(job.tolerance, job.absolute_tolerance)
    fingerprint = get_card(job.language).fingerprint
    template, expected, declaration = suite_template(
        job.language, fingerprint, job.tests, job.signature, job.entry_point, tolerance, first_test
    )
    program, mark = template.insert_candidate(job.code, limits)
    return JobProgram(program, mark, expected, declaration)


def card_limits(card: Card, cpu_s: float | None = None, memory_mb: int | None = None) -> Limits:
    """Return the card's limits, or the given ones."""
    cpu = card.limits.cpu_s if cpu_s is None else cpu_s
    return Limits(cpu_s=cpu, wall_s=cpu * WALL_FACTOR + 10, memory_mb=memory_mb or card.limits.memory_mb)


# ------------------------------------------------------------------------------------------ whole programs


def whole_program(card: Card, text: str, limits: Limits, stdin: str = "") -> Program:
    """Return the program that runs a text as it is.

    Raises:
        ToolchainError: the machine has no toolchain of the language.
        Unrepresentable: the language has no command for whole programs.

    """
    found = prepare_toolchain(card.name)
    if not found.script:
        raise Unrepresentable(f"{card.display} has no command for whole programs")
    main = f"main{card.extension}"
    return Program(
        files={**found.files, main: text},
        build=_fill_source(found.script_build, main),
        argv=_fill_source(found.script, main),
        stdin=stdin,
        env=found.env,
        read_only=found.read_only,
        limits=limits,
    )


def _fill_source(command: Sequence[str], file: str) -> tuple[str, ...]:
    return tuple(render.fill_template(word, source=f"@{{dir}}/{file}") for word in command)


# --------------------------------------------------------------------------------------------------- calls


class _CallTemplate(NamedTuple):
    """A program without its candidate, made once for all candidates of a task."""

    card: Card
    entry: str  #: the entry point's name
    digest: str  #: hash of the calls
    program: Program  #: without the candidate, and without the files that depend on it
    driver: tuple[str, ...]  #: text, a placeholder's name (``candidate`` or ``mark``), text …; empty: a constant driver

    def insert_candidate(self, code: str, limits: Limits) -> tuple[Program, str]:
        """Return the program that calls ``code``'s function, and its mark.

        The mark is a hash, so that the same candidate with the same calls is the same program.
        """
        mark = f"glotsmith-{content_hash(code, self.entry, self.digest)}"
        extension = self.card.extension
        files = {**self.program.files, f"candidate{extension}": code, "job": f"{mark}\n{self.entry}\n"}
        if self.driver:
            texts = {"candidate": code, "mark": mark}
            parts = (texts[part] if i % 2 else part for i, part in enumerate(self.driver))
            files[f"driver{extension}"] = "".join(parts)
        return msgspec.structs.replace(self.program, files=files, limits=limits, loaded_line=f"{mark} loaded"), mark


def call_program(
    card: Card, code: str, signature: Signature, calls: Sequence[tuple[Value, ...]], limits: Limits | None = None
) -> tuple[Program, str]:
    """Return the program that calls ``code``'s function once per argument tuple, and its mark.

    Raises:
        Unrepresentable: an argument, a type or the name has no form in the language.
        ToolchainError: the machine has no toolchain of the language.

    """
    return _call_template(card, signature, calls).insert_candidate(code, limits or card_limits(card))


def _make_suite_template(
    language: str,
    fingerprint: str,  # only a part of the cache key
    tests: tuple[str, ...],
    signature: str,
    entry: str,
    tolerance: Tolerance,
    first_test: int,
) -> tuple[_CallTemplate, tuple[Value | Check, ...], str]:
    """Return a suite's template, expected values and declaration; all candidates of a task share them."""
    card = get_card(language)
    calls, widened = apply_signature(card, *parse_suite(tests, signature), tolerance)
    for value in expected_values(calls):
        require_representable(card, value, result=True)
    calls = calls[first_test:]
    template = _call_template(card, widened, [c.arguments for c in calls], entry)
    return template, tuple(c.expected for c in calls), render.render_declaration(card, widened, entry)


_suite_template = lru_cache(maxsize=512)(_make_suite_template)
_large_suite_template = lru_cache(maxsize=8)(_make_suite_template)


def _call_template(
    card: Card, signature: Signature, calls: Sequence[tuple[Value, ...]], entry: str = ""
) -> _CallTemplate:
    """Return the template of a program that calls a function once per argument tuple."""
    found = prepare_toolchain(card.name)
    name = entry or render.entry_name(card, signature.name)
    files, driver = _call_files(card, name, signature, calls)
    program = Program(
        files={**found.files, **card.constant_files, **files},
        build=_fill_source(found.build, f"driver{card.extension}"),
        argv=_fill_source(found.run, f"driver{card.extension}"),
        env=found.env,
        read_only=found.read_only,
        server=_compile_server(card, found),
        warm=_warm_worker(card, found),
    )
    return _CallTemplate(card, name, content_hash(repr(calls), str(signature)), program, driver)


def _compile_server(card: Card, found: InstalledToolchain) -> CompilerServer | None:
    if not found.server:
        return None
    usual = (f"driver{card.extension}", f"candidate{card.extension}")
    return CompilerServer(argv=found.server, sources=found.sources or {name: name for name in usual}, run=found.served)


def _warm_worker(card: Card, found: InstalledToolchain) -> WarmInterpreter | None:
    """Return the warm worker of the language, which starts with the constant files alone."""
    if not found.warm:
        return None
    return WarmInterpreter(argv=found.warm, files={**card.warm_files, **found.files})


def _call_files(
    card: Card, name: str, signature: Signature, calls: Sequence[tuple[Value, ...]]
) -> tuple[dict[str, str | bytes], tuple[str, ...]]:
    """Return the files that contain the calls, or the parts of a driver that contains them."""
    d, driver = card.driver, f"driver{card.extension}"
    if not d.case:
        rows = [render.fill_template(d.call, arguments=_arguments(card, signature, c)) for c in calls]
        calls_text = render.fill_template(d.calls, calls=d.call_separator.join(rows))
        return {driver: card.driver_text, f"calls{card.extension}": calls_text}, ()
    filled = {
        "name": name,
        "bindings": "\n".join(_bindings(card, signature, i, c) for i, c in enumerate(calls)),
        "cases": "\n".join(_case(card, name, i, len(c)) for i, c in enumerate(calls)),
        "printer": render.render_printer(card, signature.returns),
        "returns": render.render_type(card, signature.returns),
    }
    return {}, render.split_template(card.driver_text, filled)


def _arguments(card: Card, signature: Signature, call: tuple[Value, ...]) -> str:
    values = [render.render_literal(card, v, p.type) for v, p in zip(call, signature.parameters, strict=True)]
    return card.driver.argument_separator.join(values) or card.driver.no_arguments


def _bindings(card: Card, signature: Signature, case: int, call: tuple[Value, ...]) -> str:
    return "\n".join(
        render.fill_template(
            card.driver.binding,
            case=str(case),
            index=str(i),
            type=render.render_type(card, p.type),
            value=render.render_literal(card, v, p.type),
        )
        for i, (v, p) in enumerate(zip(call, signature.parameters, strict=True))
    )


def _case(card: Card, name: str, case: int, arity: int) -> str:
    d = card.driver
    names = [render.fill_template(d.reference, case=str(case), index=str(i)) for i in range(arity)]
    arguments = d.argument_separator.join(names) or d.no_arguments
    return render.fill_template(d.case, case=str(case), name=name, arguments=arguments)
