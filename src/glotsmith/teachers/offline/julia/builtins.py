"""Translate builtins that convert and test values."""

import ast

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.julia import kinds as jk
from glotsmith.teachers.offline.julia.calls import builtin, check_arguments, keyword_value
from glotsmith.teachers.offline.julia.context import JuliaContext, call
from glotsmith.teachers.offline.julia.expressions import as_char
from glotsmith.teachers.offline.julia.formats import format_value, to_repr, to_text
from glotsmith.teachers.offline.julia.iteration import Wish, iterate
from glotsmith.teachers.offline.julia.operators import binary_operation
from glotsmith.teachers.offline.julia.syntax import COMPARE, MUL, Expr
from glotsmith.teachers.offline.julia.truth import condition
from glotsmith.teachers.offline.refusals import refuse


@builtin("len")
def _len(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 1)
    argument = node.args[0]
    with c.any_order():
        match argument:
            case ast.Call(func=ast.Name(id="set"), args=[items]) if c.owner("set") is None:
                source = iterate(c, items, Wish(chars=True)).text
                return Expr(f"length(Set({source}))", kind=k.NAT)
            case _:
                e = c.expr(argument)
    return call("length", e, kind=k.NAT)


@builtin("abs")
def _abs(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 1)
    e = c.expr(node.args[0])
    kind = {"int": k.NAT, "bool": k.NAT, "float": k.FLOAT}.get(k.strip_optional(e.kind).name, k.ANY)
    return call("abs", e, kind=kind)


@builtin("int")
def _int(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 2, "base")
    if not node.args:
        return Expr("0", kind=k.NAT)
    base = node.args[1] if len(node.args) > 1 else keyword_value(node, "base")
    e = c.raw(node.args[0])
    if base is not None:
        return call("parse", "Int64", e, f"base = {c.expr(base)}", kind=k.INT)
    match k.strip_optional(e.kind).name:
        case "char" if c.catches:
            return call("to_int", e.as_string(), kind=k.NAT)
        case "char":
            return call("parse", "Int64", e, kind=k.NAT)
        case "str":
            if c.catches:
                return call("to_int", e, kind=k.INT)
            return call("parse", "Int64", e, kind=k.INT)
        case "int":
            return e
        case "bool":
            return call("Int64", e, kind=k.NAT)
        case "float":
            return call("trunc", "Int64", e, kind=k.INT)
        case _:
            return call("to_int", e, kind=k.INT)


@builtin("float")
def _float(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 1)
    argument = node.args[0] if node.args else ast.Constant(0)
    special = (
        argument.value.lower().lstrip("+")
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
        else ""
    )
    if special in ("inf", "-inf", "infinity", "-infinity", "nan"):
        text = {"i": "Inf", "-": "-Inf", "n": "NaN"}[special[0]]
        return Expr(text, 10 if special[0] == "-" else 12, k.FLOAT)
    e = c.raw(argument)
    match k.strip_optional(e.kind).name:
        case "str" | "char":
            if c.catches:
                return call("to_float", e.as_string(), kind=k.FLOAT)
            return call("parse", "Float64", e.as_string(), kind=k.FLOAT)
        case "int" | "float" | "bool":
            return call("Float64", e, kind=k.FLOAT)
        case _:
            return call("to_float", e, kind=k.FLOAT)


@builtin("str")
def _str(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 1)
    return to_text(c, c.raw(node.args[0]), node) if node.args else Expr('""', kind=k.STR)


@builtin("repr", "ascii")
def _repr(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 1)
    return to_repr(c, c.expr(node.args[0]), node)


@builtin("bool")
def _bool(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 1)
    return condition(c, node.args[0]) if node.args else Expr("false", kind=k.BOOL)


@builtin("ord")
def _ord(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 1)
    e = c.raw(node.args[0])
    char = as_char(node.args[0], e)
    return call("Int64", char if char is not None else f"only({e})", kind=k.NAT)


@builtin("chr")
def _chr(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 1)
    return call("Char", c.expr(node.args[0]), kind=jk.CHAR)


@builtin("round")
def _round(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 2, "ndigits")
    e = c.expr(node.args[0])
    digits = node.args[1] if len(node.args) > 1 else keyword_value(node, "ndigits")
    if digits is None:
        return e if e.kind.name == "int" else call("round", "Int64", e, kind=k.INT)
    if e.kind.name == "int":
        raise refuse("round of an int to digits", node)
    return call("round_digits", e, c.expr(digits), kind=k.FLOAT if e.kind.name == "float" else k.ANY)


@builtin("divmod")
def _divmod(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 2)
    a, b = c.exprs(node.args)
    parts = [binary_operation(c, op, a, b, node).kind for op in (ast.FloorDiv(), ast.Mod())]
    return call("fldmod", a, b, kind=k.tuple_of(*parts))


@builtin("pow")
def _pow(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 3)
    a, b, *modulus = c.exprs(node.args)
    if not modulus:
        return binary_operation(c, ast.Pow(), a, b, node)
    if b.text == "-1":
        return call("invmod", a, modulus[0], kind=k.NAT)
    return call("powermod", a, b, modulus[0], kind=k.NAT)


@builtin("bin", "hex", "oct")
def _base(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 1)
    assert isinstance(node.func, ast.Name)
    base, prefix = {"bin": (2, "0b"), "hex": (16, "0x"), "oct": (8, "0o")}[node.func.id]
    e = c.expr(node.args[0])
    if (e.kind.low or -1) < 0 and e.kind.low != 0:
        return call("with_base", e, str(base), f'"{prefix}"', kind=k.STR)
    return Expr(f'"{prefix}" * string({e}, base = {base})', MUL, k.STR)


@builtin("format")
def _format(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 2)
    spec = node.args[1] if len(node.args) > 1 else ast.Constant("")
    if not isinstance(spec, ast.Constant):
        raise refuse("a format specification with a variable", node)
    return format_value(c, c.raw(node.args[0]), str(spec.value), node)


_TYPES = {
    "int": "Integer",
    "float": "AbstractFloat",
    "str": "AbstractString",
    "bool": "Bool",
    "list": "Vector",
    "tuple": "Tuple",
    "dict": "AbstractDict",
    "set": "AbstractSet",
    "frozenset": "AbstractSet",
    "Sequence": "Union{AbstractString, Tuple, Vector}",
    "Iterable": "Union{AbstractString, Tuple, Vector, AbstractSet, AbstractDict}",
    "Mapping": "AbstractDict",
    "Number": "Number",
    "Real": "Number",
    "Integral": "Integer",
    "bytes": "",
    "complex": "",
    "bytearray": "",
}


def type_names(node: ast.expr) -> list[str]:
    """Return the names of the types of an ``isinstance`` test."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return [name]
        case ast.Tuple(elts=elts):
            return [name for e in elts for name in type_names(e)]
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return [*type_names(left), *type_names(right)]
        case _:
            raise refuse("a test of this type", node)


def is_instance(e: Expr, names: list[str], node: ast.AST) -> Expr:
    """Write a test of the type of a value; a number of unknown type cannot be tested."""
    kind = k.strip_optional(e.kind).name
    if kind == "float" and {"int", "float", "bool", "Integral"} & set(names) and not {"int", "float"} <= set(names):
        raise refuse("a test whether a number is an int", node)
    types: list[str] = []
    for name in names:
        if name not in _TYPES:
            raise refuse(f"a test of the type {name}", node)
        types.append(_TYPES[name])
    types = [t for t in types if t]
    if not types:
        return Expr("false", kind=k.BOOL)
    tests = [f"{e.at(COMPARE + 1)} isa {t}" for t in types]
    if len(tests) > 1:
        return Expr(f"{e.at(COMPARE + 1)} isa Union{{{', '.join(types)}}}", COMPARE, k.BOOL)
    return Expr(tests[0], COMPARE, k.BOOL)


@builtin("isinstance")
def _isinstance(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 2)
    return is_instance(c.expr(node.args[0]), type_names(node.args[1]), node)


@builtin("callable")
def _callable(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 1)
    return Expr(f"{c.expr(node.args[0]).at(COMPARE + 1)} isa Function", COMPARE, k.BOOL)
