"""Run a whole program once for each stdin, and build it once for all of them."""

from collections.abc import AsyncGenerator, Sequence

import msgspec

from glotsmith.records import Outcome, Program
from glotsmith.sandbox.base import Run

_ARCHIVE = "built.tar"
_MAX_ARCHIVE_KB = 32_768  #: a larger archive costs more than a second build, and services refuse it
_TAR_CPU_S = 10.0


async def run_for_each_stdin(run: Run, program: Program, stdins: Sequence[str]) -> AsyncGenerator[Outcome]:
    """Yield the outcome of a program for each stdin, in order.

    Each run has its own sandbox. The files that the build made are copied from the sandbox of the build to the
    others as an archive, which is opened inside sandboxes only.
    """
    if program.build and len(stdins) > 1:
        packed = await run(_build_and_pack(program))
        if not packed.built:
            for _ in stdins:
                yield packed
            return
        if packed.ending == "exit" and packed.code == 0:
            program = _unpack_instead_of_build(program, packed.stdout)
    for stdin in stdins:
        yield await run(msgspec.structs.replace(program, stdin=stdin))


def _build_and_pack(program: Program) -> Program:
    """Return the program that builds another and writes an archive of its folder to stdout."""
    limits = msgspec.structs.replace(
        program.limits, cpu_s=max(program.limits.cpu_s, _TAR_CPU_S), output_kb=_MAX_ARCHIVE_KB
    )
    return msgspec.structs.replace(program, argv=("sh", "-c", "ls -A | tar -cf - -T -"), stdin="", limits=limits)


def _unpack_instead_of_build(program: Program, archive: bytes) -> Program:
    """Return the program with a build command that only unpacks the archive."""
    files = {**program.files, _ARCHIVE: archive}
    return msgspec.structs.replace(program, files=files, build=("tar", "-xof", f"@{{dir}}/{_ARCHIVE}"))
