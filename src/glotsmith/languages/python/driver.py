"""Loads candidate.py beside it, calls the entry point once per argument list in calls.py, prints typed results.

The file job holds the mark and the entry point's name. Everything is captured first: the candidate may shadow any
builtin. As ``driver.py warm`` it forks first (``sandbox/fork_server``).
"""

import contextlib
import json
import os
import sys

_dumps, _write, _exit, _flush = json.dumps, os.write, os._exit, sys.stdout.flush
_isinstance, _int, _float, _str = isinstance, int, float, str
_list, _tuple, _dict, _set, _frozenset, _type = list, tuple, dict, set, frozenset, type
_suppress = contextlib.suppress
_type_name = type.__dict__["__name__"].__get__  # a metaclass may have its own


def encode(v, depth=0):
    """Return the wire form of a value as what ``json.dumps`` takes."""
    if depth > 100:
        return {"x": "too deep"}
    if v is None or v is True or v is False:
        return v
    if _isinstance(v, _int):
        return _int.__int__(v)  # not what a subclass makes of itself
    if _isinstance(v, _float):
        return {"f": _float.__repr__(v)}
    if _isinstance(v, _str):
        return _str.__str__(v)
    if _isinstance(v, _list):
        return [encode(x, depth + 1) for x in _list.__iter__(v)]
    if _isinstance(v, _tuple):
        return {"t": [encode(x, depth + 1) for x in _tuple.__iter__(v)]}
    if _isinstance(v, _dict):
        return {"m": [[encode(k, depth + 1), encode(x, depth + 1)] for k, x in _dict.items(v)]}
    if _isinstance(v, (_set, _frozenset)):
        kind = _set if _isinstance(v, _set) else _frozenset
        return {"s": [encode(x, depth + 1) for x in kind.__iter__(v)]}
    return {"x": _type_name(_type(v))}


def _text(error):
    try:
        return f"{_type_name(_type(error))}: {error}"
    except BaseException:
        return _type_name(_type(error))


def _emit(mark, *parts):
    data = ("\n" + " ".join((mark, *parts)) + "\n").encode("utf-8", "surrogatepass")
    while data:
        data = data[_write(_OUT, data) :]


def _flush_program():
    with _suppress(OSError, ValueError):
        _flush()


def _main(folder):
    global _OUT
    _OUT = os.dup(1)
    with open(os.path.join(folder, "job"), encoding="utf-8") as file:
        mark, entry = file.read().splitlines()
    with open(os.path.join(folder, "calls.py"), encoding="utf-8") as file:
        calls = eval(file.read(), {})
    with open(os.path.join(folder, "candidate.py"), encoding="utf-8") as file:
        text = file.read()
    sys.set_int_max_str_digits(0)
    try:
        code = compile(text, "candidate.py", "exec")
    except BaseException:
        sys.excepthook(*sys.exc_info())
        _exit(1)  # without the interpreter's end, which takes longer than a program
    _emit(mark, "start")
    scope = {"__name__": "candidate"}
    try:
        exec(code, scope)
    except BaseException as error:
        _flush_program()
        _emit(mark, "raised", "load", _dumps(_text(error)))
        _exit(1)
    _flush_program()
    if entry not in scope:
        _emit(mark, "absent")
        _exit(1)
    _emit(mark, "loaded")
    for index, arguments in enumerate(calls):
        try:
            event, value = "value", encode(scope[entry](*arguments()))
        except BaseException as error:
            event, value = "raised", _text(error)
        _flush_program()
        _emit(mark, event, _str(index), _dumps(value))
    _emit(mark, "end")
    _exit(0)


if __name__ == "__main__":
    _FOLDER = os.path.dirname(os.path.abspath(__file__))
    if sys.argv[1:] == ["warm"]:
        os.environ["GLOTSMITH_FORK"] = "1"
        os.fork()
        for _name in ("GLOTSMITH_FORK", "GLOTSMITH_FORK_SERVER", "LD_PRELOAD"):
            os.environ.pop(_name, None)
    _main(_FOLDER)
