"""From a candidate and its calls to the program that a sandbox runs."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from glotsmith.languages import render, toolchain
from glotsmith.languages.card import Card
from glotsmith.languages.prepared import prepare_toolchain
from glotsmith.records import CompilerServer, Limits, Program, WarmInterpreter, content_hash
from glotsmith.values import Signature, Value

WALL_FACTOR = 6.0  #: wall limit / CPU limit: a loaded machine must not turn right answers into timeouts


def card_limits(card: Card, cpu_s: float | None = None, memory_mb: int | None = None) -> Limits:
    """Return the card's limits, or the given ones."""
    cpu = card.limits.cpu_s if cpu_s is None else cpu_s
    return Limits(cpu_s=cpu, wall_s=cpu * WALL_FACTOR + 10, memory_mb=memory_mb or card.limits.memory_mb)


def protocol_mark(*parts: str) -> str:
    """Return the token that begins a program's protocol lines; the same for the same program."""
    return f"glotsmith-{content_hash(*parts)}"


class Frame(NamedTuple):
    """Everything of a program but the candidate: made once for all candidates of a task."""

    card: Card
    entry: str  #: the entry point's name
    digest: str  #: of the calls
    program: Program  #: without the candidate, and without what depends on it
    driver: tuple[str, ...]  #: text, name of a hole (``candidate`` or ``mark``), text …; empty for a constant driver

    def hold(self, code: str, allowed: Limits | None = None) -> tuple[Program, str]:
        """Return the program that calls ``code``'s function, and its mark."""
        mark = protocol_mark(code, self.entry, self.digest)
        extension = self.card.extension
        files = {**self.program.files, f"candidate{extension}": code, "job": f"{mark}\n{self.entry}\n"}
        if self.driver:
            holes = {"candidate": code, "mark": mark}
            parts = (holes[part] if i % 2 else part for i, part in enumerate(self.driver))
            files[f"driver{extension}"] = "".join(parts)
        return msgspec.structs.replace(self.program, files=files, limits=allowed or card_limits(self.card)), mark


def frame(card: Card, signature: Signature, calls: Sequence[tuple[Value, ...]], entry: str = "") -> Frame:
    """Return what calls a function once per argument tuple.

    Raises:
        Unrepresentable: an argument, a type or the name has no form in the language.
        ToolchainError: the language can't be run here.

    """
    found = prepare_toolchain(card.name)
    name = entry or render.entry_name(card, signature.name)
    source = f"@{{dir}}/driver{card.extension}"
    files, driver = _call_files(card, name, signature, calls)
    program = Program(
        files={**found.files, **card.constant_files, **files},
        build=tuple(render.fill_template(a, source=source) for a in found.build),
        argv=tuple(render.fill_template(a, source=source) for a in found.run),
        env=found.env,
        read_only=found.read_only,
        server=_server(card, found),
        warm=_warm(card, found),
    )
    return Frame(card, name, content_hash(repr(calls), str(signature)), program, driver)


def call_program(
    card: Card,
    code: str,
    signature: Signature,
    calls: Sequence[tuple[Value, ...]],
    entry: str = "",
    allowed: Limits | None = None,
) -> tuple[Program, str]:
    """Return the program that calls ``code``'s function once per argument tuple, and its mark; raises as ``frame``."""
    return frame(card, signature, calls, entry).hold(code, allowed)


def _server(card: Card, found: toolchain.InstalledToolchain) -> CompilerServer | None:
    if not found.server:
        return None
    usual = (f"driver{card.extension}", f"candidate{card.extension}")
    return CompilerServer(argv=found.server, sources=found.sources or {name: name for name in usual}, run=found.served)


def _warm(card: Card, found: toolchain.InstalledToolchain) -> WarmInterpreter | None:
    """Return the interpreter that a program may be a child of; it starts with the constant files alone."""
    if not found.warm:
        return None
    return WarmInterpreter(argv=found.warm, files={**card.warm_files, **found.files})


def _call_files(
    card: Card, name: str, signature: Signature, calls: Sequence[tuple[Value, ...]]
) -> tuple[dict[str, str | bytes], tuple[str, ...]]:
    """Return the files that hold the calls, or the parts of the driver that does."""
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
