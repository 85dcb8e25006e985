"""Whole programs, run verbatim: once per stdin, and built once for all of them."""

from collections.abc import AsyncGenerator, Sequence

import msgspec

from glotsmith.languages import Card, Unrepresentable
from glotsmith.languages.prepared import prepare_toolchain
from glotsmith.languages.render import fill_template
from glotsmith.records import Limits, Outcome, Program
from glotsmith.sandbox.base import Run

_ARCHIVE = "built.tar"
_LARGEST_KB = 32_768  #: an archive that is larger costs more than building again, and no service takes it
_TAR_CPU_S = 10.0


def whole_program(card: Card, text: str, stdin: str, allowed: Limits) -> Program:
    """Return the program that runs a whole program of a language verbatim.

    Raises:
        ToolchainError: the language can't be run here.
        Unrepresentable: it has no command for whole programs.

    """
    found = prepare_toolchain(card.name)
    if not found.script:
        raise Unrepresentable(f"{card.display} has no command for whole programs")
    return Program(
        files={**found.files, f"main{card.extension}": text},
        build=tuple(fill_template(a, source=f"@{{dir}}/main{card.extension}") for a in found.script_build),
        argv=tuple(fill_template(a, source=f"@{{dir}}/main{card.extension}") for a in found.script),
        stdin=stdin,
        env=found.env,
        read_only=found.read_only,
        limits=allowed,
    )


async def run_for_each_stdin(run: Run, program: Program, stdins: Sequence[str]) -> AsyncGenerator[Outcome]:
    """Yield what became of a program for each stdin, in order.

    What its build left goes from the sandbox in which it was built to those in which it runs as an archive that
    nobody opens outside: each run still has a sandbox of its own.
    """
    if program.build and len(stdins) > 1:
        packed = await run(_packing(program))
        if not packed.built:
            for _ in stdins:
                yield packed
            return
        if packed.ending == "exit" and packed.code == 0:
            program = _unpacking(program, packed.stdout)
    for stdin in stdins:
        yield await run(msgspec.structs.replace(program, stdin=stdin))


def _packing(program: Program) -> Program:
    """Return the program that builds another, and writes what came of it to stdout."""
    limits = msgspec.structs.replace(
        program.limits,
        cpu_s=max(program.limits.cpu_s, _TAR_CPU_S),
        output_kb=_LARGEST_KB,
    )
    return msgspec.structs.replace(program, argv=("sh", "-c", "ls -A | tar -cf - -T -"), stdin="", limits=limits)


def _unpacking(program: Program, archive: bytes) -> Program:
    """Return the program that takes what another built in place of building it."""
    files = {**program.files, _ARCHIVE: archive}
    return msgspec.structs.replace(program, files=files, build=("tar", "-xof", f"@{{dir}}/{_ARCHIVE}"))
