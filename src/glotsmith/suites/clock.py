"""Find functions that read the clock. Two runs of such a function may give the same result within a second."""

import ast

from glotsmith.records import Function

#: attributes that read a clock (``datetime.now``, ``time.monotonic`` …)
_CLOCK_ATTRIBUTES = frozenset(
    (
        "now",
        "utcnow",
        "today",
        "time_ns",
        "monotonic",
        "monotonic_ns",
        "perf_counter",
        "perf_counter_ns",
        "process_time",
    )
)
#: functions of ``time`` that read the clock if they are called without an argument
_CLOCK_FUNCTIONS = frozenset(("localtime", "gmtime", "ctime", "asctime"))


def find_clock_read(function: Function) -> str:
    """Return the first expression in the program of a function that reads a clock; "" if there is none."""
    try:
        nodes = ast.walk(ast.parse(function.program))
        return next((ast.unparse(node) for node in nodes if _reads_clock(node)), "")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""


def _reads_clock(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=[]) if name in _CLOCK_FUNCTIONS:
            return True
        case ast.Attribute(value=ast.Name(id="time"), attr="time"):
            return True
        case ast.Attribute(attr=name):
            return name in _CLOCK_ATTRIBUTES
        case _:
            return False
