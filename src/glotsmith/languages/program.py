"""From a candidate and its calls to the program that a sandbox runs."""

from collections.abc import Sequence

from glotsmith.languages import render, toolchain
from glotsmith.languages.card import Card
from glotsmith.languages.prepared import ready
from glotsmith.records import Limits, Program, Server, Warm, content_hash
from glotsmith.values import Signature, Value

WALL_FACTOR = 6.0  #: wall limit / CPU limit: a loaded machine must not turn right answers into timeouts


def limits(card: Card, cpu_s: float | None = None, memory_mb: int | None = None) -> Limits:
    """Return the card's limits, or the given ones."""
    cpu = card.limits.cpu_s if cpu_s is None else cpu_s
    return Limits(cpu_s=cpu, wall_s=cpu * WALL_FACTOR + 10, memory_mb=memory_mb or card.limits.memory_mb)


def mark_of(*parts: str) -> str:
    """Return the token that begins a program's protocol lines; the same for the same program."""
    return f"glotsmith-{content_hash(*parts)}"


def assemble(
    card: Card,
    code: str,
    signature: Signature,
    calls: Sequence[tuple[Value, ...]],
    entry: str = "",
    allowed: Limits | None = None,
) -> tuple[Program, str]:
    """Return the program that calls ``code``'s function once per argument tuple, and its mark.

    Raises:
        Unrepresentable: an argument, a type or the name has no form in the language.
        ToolchainError: the language can't be run here.

    """
    found = ready(card.name)
    name = entry or render.entry_name(card, signature.name)
    mark = mark_of(code, name, repr(calls), str(signature))
    files: dict[str, str | bytes] = {
        **found.files,
        f"candidate{card.extension}": code,
        **_call_files(card, name, signature, calls, code, mark),
        "job": f"{mark}\n{name}\n",
    }
    source = f"@{{dir}}/driver{card.extension}"
    program = Program(
        files=files,
        build=tuple(render.fill(a, source=source) for a in found.build),
        argv=tuple(render.fill(a, source=source) for a in found.run),
        env=found.env,
        read_only=found.read_only,
        server=Server(argv=found.server, run=found.served) if found.server else None,
        warm=_warm(card, found),
        limits=allowed or limits(card),
    )
    return program, mark


def _warm(card: Card, found: toolchain.Installed) -> Warm | None:
    """Return the interpreter that a program may be a child of; it starts with the constant files alone."""
    if not found.warm:
        return None
    return Warm(argv=found.warm, files={**card.warm_files, **found.files})


def _call_files(
    card: Card, name: str, signature: Signature, calls: Sequence[tuple[Value, ...]], code: str, mark: str
) -> dict[str, str]:
    d, driver = card.driver, f"driver{card.extension}"
    if not d.case:
        rows = [render.fill(d.call, arguments=_arguments(card, signature, c)) for c in calls]
        return {
            driver: card.driver_text,
            f"calls{card.extension}": render.fill(d.calls, calls=d.call_separator.join(rows)),
        }
    bindings = [_bindings(card, signature, i, c) for i, c in enumerate(calls)]
    cases = [_case(card, name, i, len(c)) for i, c in enumerate(calls)]
    shown, returns = render.printer(card, signature.returns), render.type_text(card, signature.returns)
    parts = {"bindings": "\n".join(bindings), "cases": "\n".join(cases), "candidate": code}
    return {driver: render.fill(card.driver_text, **parts, printer=shown, returns=returns, mark=mark)}


def _arguments(card: Card, signature: Signature, call: tuple[Value, ...]) -> str:
    values = [render.literal(card, v, p.type) for v, p in zip(call, signature.parameters, strict=True)]
    return card.driver.argument_separator.join(values) or card.driver.no_arguments


def _bindings(card: Card, signature: Signature, case: int, call: tuple[Value, ...]) -> str:
    return "\n".join(
        render.fill(
            card.driver.binding,
            case=str(case),
            index=str(i),
            type=render.type_text(card, p.type),
            value=render.literal(card, v, p.type),
        )
        for i, (v, p) in enumerate(zip(call, signature.parameters, strict=True))
    )


def _case(card: Card, name: str, case: int, arity: int) -> str:
    d = card.driver
    names = [render.fill(d.reference, case=str(case), index=str(i)) for i in range(arity)]
    arguments = d.argument_separator.join(names) or d.no_arguments
    return render.fill(d.case, case=str(case), name=name, arguments=arguments)
