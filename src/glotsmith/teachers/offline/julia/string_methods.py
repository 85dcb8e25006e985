"""Translate the methods of strings."""

import ast

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.julia import kinds as jk
from glotsmith.teachers.offline.julia.calls import check_arguments, keyword_value, method
from glotsmith.teachers.offline.julia.context import JuliaContext, call
from glotsmith.teachers.offline.julia.expressions import vector
from glotsmith.teachers.offline.julia.formats import format_call
from glotsmith.teachers.offline.julia.iteration import Wish, iterate
from glotsmith.teachers.offline.julia.syntax import AND, CHOICE, PREFIX, Expr, is_simple, plus, quote_char
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.refusals import refuse


def _name(node: ast.Call) -> str:
    assert isinstance(node.func, ast.Attribute)
    return node.func.attr


_PLAIN: dict[str, tuple[str, ValueKind]] = {
    "title": ("titlecase", k.STR),
    "swapcase": ("swapcase", k.STR),
    "isalnum": ("is_alnum", k.BOOL),
    "isupper": ("is_upper", k.BOOL),
    "islower": ("is_lower", k.BOOL),
    "splitlines": ("splitlines", k.list_of(k.STR)),
    "zfill": ("zfill", k.STR),
    "center": ("center", k.STR),
    "find": ("find", k.INT),
    "rfind": ("rfind", k.INT),
    "partition": ("partition", k.tuple_of(k.STR, k.STR, k.STR)),
    "rpartition": ("rpartition", k.tuple_of(k.STR, k.STR, k.STR)),
    "removeprefix": ("removeprefix", k.STR),
    "removesuffix": ("removesuffix", k.STR),
}
_MOST = {"find": 2, "center": 2, "zfill": 1, "rfind": 1, "partition": 1, "rpartition": 1}


@method("str", *_PLAIN)
def _plain(c: JuliaContext, node: ast.Call, s: Expr) -> Expr:
    function, kind = _PLAIN[_name(node)]
    check_arguments(node, _MOST.get(_name(node), 1 if _name(node).startswith("remove") else 0))
    return call(function, s, *c.exprs(node.args), kind=kind)


_CASES = {"upper": "uppercase", "lower": "lowercase", "casefold": "lowercase"}


@method("char", *_CASES)
@method("str", *_CASES)
def _case(c: JuliaContext, node: ast.Call, s: Expr) -> Expr:
    check_arguments(node, 0)
    return call(_CASES[_name(node)], s, kind=s.kind if s.kind == jk.CHAR else k.STR)


@method("str", "capitalize")
def _capitalize(c: JuliaContext, node: ast.Call, s: Expr) -> Expr:
    check_arguments(node, 0)
    return call("uppercasefirst", f"lowercase({s})", kind=k.STR)


_CLASSES = {
    "isdigit": "isdigit",
    "isdecimal": "isdigit",
    "isnumeric": "isnumeric",
    "isalpha": "isletter",
    "isspace": "isspace",
    "isupper": "isuppercase",
    "islower": "islowercase",
}


@method("char", *_CLASSES)
def _is_class(c: JuliaContext, node: ast.Call, char: Expr) -> Expr:
    check_arguments(node, 0)
    return call(_CLASSES[_name(node)], char, kind=k.BOOL)


@method("char", "isalnum")
def _is_alnum(c: JuliaContext, node: ast.Call, char: Expr) -> Expr:
    check_arguments(node, 0)
    made = c.once(char, lambda name: f"isletter({name}) || isnumeric({name})")
    return Expr(made.text, made.prec or AND - 1, k.BOOL)


@method("str", "isdigit", "isdecimal", "isnumeric", "isalpha", "isspace")
def _all_in_class(c: JuliaContext, node: ast.Call, s: Expr) -> Expr:
    check_arguments(node, 0)
    made = c.once(s, lambda name: f"!isempty({name}) && all({_CLASSES[_name(node)]}, {name})")
    return Expr(made.text, made.prec or AND, k.BOOL)


@method("str", "isascii")
def _isascii(c: JuliaContext, node: ast.Call, s: Expr) -> Expr:
    check_arguments(node, 0)
    return call("isascii", s, kind=k.BOOL)


@method("str", "strip", "lstrip", "rstrip")
def _strip(c: JuliaContext, node: ast.Call, s: Expr) -> Expr:
    check_arguments(node, 1)
    if not node.args or (isinstance(node.args[0], ast.Constant) and node.args[0].value is None):
        return call(_name(node), s, kind=k.STR)
    argument = node.args[0]
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        chars = [quote_char(char) for char in argument.value]
        return call(_name(node), s, chars[0] if len(chars) == 1 else f"[{', '.join(chars)}]", kind=k.STR)
    return call(_name(node), s, f"collect({c.expr(argument)})", kind=k.STR)


@method("str", "split", "rsplit")
def _split(c: JuliaContext, node: ast.Call, s: Expr) -> Expr:
    check_arguments(node, 2, "sep", "maxsplit")
    separator = node.args[0] if node.args else keyword_value(node, "sep")
    most = node.args[1] if len(node.args) > 1 else keyword_value(node, "maxsplit")
    kind = k.list_of(k.STR)
    if separator is None or (isinstance(separator, ast.Constant) and separator.value is None):
        if most is not None:
            raise refuse("split at white space with a limit", node)
        return call("split", s, kind=kind, new=True)
    e = c.expr(separator)
    if e.kind.name == "opt" and e.kind.args[0].name == "str" and most is None and is_simple(e):
        return Expr(f"{e} === nothing ? split({s}) : split({s}, {e})", CHOICE, kind, new=True)
    if e.kind.name != "str":
        raise refuse("split at a separator that may be None", node)
    if most is None:
        return call("split", s, e, kind=kind, new=True)
    return call(_name(node), s, e, f"limit = {plus(c.expr(most), 1)}", kind=kind, new=True)


@method("str", "join")
def _join(c: JuliaContext, node: ast.Call, s: Expr) -> Expr:
    check_arguments(node, 1)
    argument = node.args[0]
    rest = [] if s.text == '""' else [s.text]
    if isinstance(argument, ast.GeneratorExp | ast.ListComp):
        made = vector(c, argument, bare=True)
        _check_items(jk.item_of(made.kind), node)
        return call("join", f"[{made}]" if rest else made, *rest, kind=k.STR)
    e = iterate_chars(c, argument)
    _check_items(e.kind, node)
    return call("join", e.text, *rest, kind=k.STR)


def iterate_chars(c: JuliaContext, node: ast.expr) -> Expr:
    """Translate an iterable for ``join``, to which characters are strings."""
    match node:
        case ast.Call(func=ast.Name(id="sorted" | "list" as name), args=[source], keywords=[]) if c.owner(name) is None:
            inner = None if isinstance(source, ast.GeneratorExp) else c.expr(source)
            if inner is not None and inner.kind.name == "str":
                return Expr(f"sort(collect({inner}))" if name == "sorted" else inner.text, PREFIX, k.STR)
        case _:
            pass
    items = iterate(c, node, Wish(chars=True))
    return Expr(items.text, items.prec, items.item)


def _check_items(kind: ValueKind, node: ast.AST) -> None:
    if kind.name in ("int", "float", "bool", "list", "tuple", "none", "opt"):
        raise refuse("join of values that are not strings", node)


@method("str", "replace")
def _replace(c: JuliaContext, node: ast.Call, s: Expr) -> Expr:
    check_arguments(node, 3)
    old, new, *count = c.exprs(node.args)
    options = [f"count = {count[0]}"] if count else []
    return call("replace", s, f"{old.at(3)} => {new.at(3)}", *options, kind=k.STR)


@method("str", "index")
def _index(c: JuliaContext, node: ast.Call, s: Expr) -> Expr:
    check_arguments(node, 1)
    return call("index_of", s, *c.exprs(node.args), kind=k.NAT)


@method("str", "count")
def _count(c: JuliaContext, node: ast.Call, s: Expr) -> Expr:
    check_arguments(node, 1)
    argument = node.args[0]
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and len(argument.value) == 1:
        return call("count", f"==({quote_char(argument.value)})", s, kind=k.NAT)
    e = c.raw(argument)
    if e.kind == jk.CHAR:
        return call("count", f"==({e})", s, kind=k.NAT)
    return call("count", e, s, kind=k.NAT)


@method("str", "startswith", "endswith")
def _starts(c: JuliaContext, node: ast.Call, s: Expr) -> Expr:
    check_arguments(node, 1)
    e = c.expr(node.args[0])
    if k.strip_optional(e.kind).name == "tuple":
        return call("any", f"{_name(node)}({s}, x) for x in {e}", kind=k.BOOL)
    return call(_name(node), s, e, kind=k.BOOL)


@method("str", "ljust", "rjust")
def _pad(c: JuliaContext, node: ast.Call, s: Expr) -> Expr:
    check_arguments(node, 2)
    return call("rpad" if _name(node) == "ljust" else "lpad", s, *c.exprs(node.args), kind=k.STR)


@method("str", "format")
def _format(c: JuliaContext, node: ast.Call, s: Expr) -> Expr:
    assert isinstance(node.func, ast.Attribute)
    template = node.func.value
    if not isinstance(template, ast.Constant) or s.kind.name != "str":
        raise refuse("format of a string that is not a literal", node)
    return format_call(c, str(template.value), node)
