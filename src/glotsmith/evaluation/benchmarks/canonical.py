"""Compute expected values by running the solution of a benchmark in the sandbox."""

from collections.abc import Sequence
from string import Template

from glotsmith.evaluation.benchmarks.base import UncheckedProblem
from glotsmith.languages import render
from glotsmith.languages.toolchain import prepare_toolchain
from glotsmith.records import Limits, Program
from glotsmith.sandbox.base import Sandbox, run_with_retries
from glotsmith.values import Call, NotLiteral, Value, literal, parse_value, type_of

_LIMITS = Limits(cpu_s=120, wall_s=900, memory_mb=4096, output_kb=64 * 1024)
_MARK = "= "

_SCRIPT = Template("""\
$program

def _glotsmith(calls, entry):
    import io, math, sys

    def text(v):
        if type(v) is float and (math.isnan(v) or math.isinf(v)):
            return f"float('{v}')"
        if type(v) is list:
            return "[" + ", ".join(map(text, v)) + "]"
        if type(v) is tuple:
            return "(" + "".join(text(x) + ", " for x in v) + ")"
        if type(v) in (set, frozenset):
            return "{" + ", ".join(map(text, v)) + "}" if v else "set()"
        if type(v) is dict:
            return "{" + ", ".join(text(k) + ": " + text(x) for k, x in v.items()) + "}"
        return ascii(v)

    sys.set_int_max_str_digits(0)
    out, sys.stdout = sys.stdout, io.StringIO()
    for call in calls:
        try:
            line = "= " + text(entry(*call))
        except Exception as error:
            line = "! " + type(error).__name__
        print(line, file=out, flush=True)

_glotsmith($calls, $entry)
""")


async def run_original(sandbox: Sandbox, program: str, entry: str, inputs: Sequence[Sequence[Value]]) -> list[Call]:
    """Run the function ``entry`` of a program on each input, and return the calls whose value a test can contain.

    Calls that raise an error, or that take or return a value that is not a literal, are omitted, and so are calls after
    the limit of 120 CPU seconds.

    Raises:
        UncheckedProblem: The machine failed.

    """
    inputs = [arguments for arguments in inputs if _are_literals(arguments)]
    calls = f"[{', '.join(literal(tuple(arguments)) for arguments in inputs)}]"
    text = _SCRIPT.substitute(program=program, calls=calls, entry=entry)
    found = prepare_toolchain("python")
    program_ = Program(
        files={**found.files, "main.py": text},
        argv=tuple(render.fill_template(a, source="@{dir}/main.py") for a in found.script),
        env=found.env,
        read_only=found.read_only,
        limits=_LIMITS,
    )
    outcome = await run_with_retries(sandbox.run, program_)
    if outcome.ending == "infra":
        raise UncheckedProblem(f"the original could not be run: {outcome.detail}")
    lines = outcome.stdout.decode("utf-8", "replace").split("\n")[: len(inputs)]
    calls_made = list[Call]()
    for arguments, line in zip(inputs, lines, strict=False):
        try:
            if line.startswith(_MARK):
                calls_made.append(Call(entry, tuple(arguments), parse_value(line.removeprefix(_MARK))))
        except NotLiteral:
            continue
    return calls_made


def _are_literals(arguments: Sequence[Value]) -> bool:
    try:
        return bool([type_of(a) for a in arguments])
    except NotLiteral:
        return False
