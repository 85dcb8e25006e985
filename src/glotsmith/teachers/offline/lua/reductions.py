"""Translate builtins that reduce an iterable to a value or a sorted list: ``sum``, ``any``, ``min``, ``sorted`` …"""

import ast

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.lua.builtins import BUILTINS, builtin, check_arguments, keyword_value
from glotsmith.teachers.offline.lua.context import Context
from glotsmith.teachers.offline.lua.functions import function_value
from glotsmith.teachers.offline.lua.loops import as_list, as_unordered_list, write_generators
from glotsmith.teachers.offline.lua.operators import binary_operation
from glotsmith.teachers.offline.lua.syntax import LITERAL, LuaExpr, is_simple
from glotsmith.teachers.offline.lua.truth import condition, condition_of


@builtin("sum")
def _sum(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, "start", most=2)
    start_node = node.args[1] if len(node.args) > 1 else keyword_value(node, "start")
    start = LuaExpr("0", LITERAL, k.NAT) if start_node is None else c.expr(start_node)
    source = node.args[0]
    if start.kind.name in ("list", "tuple"):
        items = as_list(c, c.expr(source))
        kind = k.join(start.kind, k.item_of(items.kind))
        return c.call("concat", start, f"table.unpack({items})", kind=kind, new=True)
    if isinstance(source, ast.GeneratorExp | ast.ListComp):
        return _sum_loop(c, source, start)
    items = as_unordered_list(c, source)
    if k.item_of(items.kind).name in ("bool", "any", "bot"):
        return c.call("sum_any", items, start, kind=k.BOT if k.item_of(items.kind) == k.BOT else k.ANY)
    kind = k.join(start.kind, k.item_of(items.kind))
    return c.call("sum", items, *([] if start.text == "0" else [start]), kind=kind)


def _sum_loop(c: Context, source: ast.GeneratorExp | ast.ListComp, start: LuaExpr) -> LuaExpr:
    total = c.fresh("total")
    c.emit(f"local {total} = {start}")

    def body() -> None:
        before = k.join(start.kind, c.learned_kinds.get((source, "total"), k.BOT))
        if isinstance(source.elt, ast.Compare | ast.BoolOp | ast.UnaryOp) and c.try_expr(source.elt)[0].kind == k.BOOL:
            with c.block(f"if {condition(c, source.elt)} then"):
                c.emit(f"{total} = {total} + 1")
            c.learn((source, "total"), k.NAT)
            return
        result = binary_operation(c, ast.Add(), LuaExpr(total, kind=before), c.expr(source.elt), source)
        c.emit(f"{total} = {result}")
        c.learn((source, "total"), result.kind)

    write_generators(c, source, source.generators, body, sensitive=False)
    return LuaExpr(total, kind=k.join(start.kind, c.learned_kinds.get((source, "total"), k.BOT)))


def _quantifier(name: str, *, found: bool) -> None:
    def maker(c: Context, node: ast.Call) -> LuaExpr:
        check_arguments(node, most=1)
        source = node.args[0]
        made = source
        if not isinstance(source, ast.GeneratorExp | ast.ListComp):
            made = _desugared(c, node, source)
        assert isinstance(made, ast.GeneratorExp | ast.ListComp)
        result = c.fresh("found" if found else "holds")
        c.emit(f"local {result} = {'false' if found else 'true'}")

        def body() -> None:
            with c.block(f"if {condition(c, made.elt, negate=not found)} then"):
                c.emit(f"{result} = {'true' if found else 'false'}")
                c.emit("break")

        outer = c.lines
        write_generators(c, made, made.generators, body, sensitive=False)
        if len(made.generators) > 1:
            _break_out(outer, result, len(made.generators), found)
        return LuaExpr(result, kind=k.BOOL)

    BUILTINS[name] = maker


def _break_out(lines: list[str], result: str, loops: int, found: bool) -> None:
    """Insert a ``break`` of the outer loop after each inner loop."""
    at = max(i for i, line in enumerate(lines) if line.strip() == "break") + 1
    closed = 0
    while closed < loops - 1 and at < len(lines):
        if lines[at].strip() == "end":
            opener = next(
                line
                for line in reversed(lines[:at])
                if len(line) - len(line.lstrip()) == len(lines[at]) - len(lines[at].lstrip()) and line.strip() != "end"
            )
            if opener.strip().startswith("for "):
                pad = lines[at][: len(lines[at]) - 3]
                lines.insert(at + 1, f"{pad}if {'' if found else 'not '}{result} then break end")
                closed += 1
        at += 1


def _desugared(c: Context, node: ast.Call, source: ast.expr) -> ast.AST:
    def make() -> ast.AST:
        name = "x"
        generator = ast.comprehension(ast.Name(name, ast.Store()), source, [], 0)
        made = ast.GeneratorExp(ast.Name(name, ast.Load()), [generator])
        return ast.fix_missing_locations(ast.copy_location(made, node))

    return c.node_once((node, "generator"), make)


_quantifier("any", found=True)
_quantifier("all", found=False)


def _extreme(name: str) -> None:
    def maker(c: Context, node: ast.Call) -> LuaExpr:
        check_arguments(node, "key", "default")
        key, default = keyword_value(node, "key"), keyword_value(node, "default")
        if len(node.args) > 1 and key is None:
            return _of_several(c, name, c.exprs(node.args))
        items = (
            (as_list(c, c.expr(node.args[0])) if key else as_unordered_list(c, node.args[0]))
            if len(node.args) == 1
            else LuaExpr(f"{{{', '.join(map(str, c.exprs(node.args)))}}}", LITERAL, k.list_of(k.ANY))
        )
        item = k.item_of(items.kind)
        if key is None and default is None and k.is_number(item) and is_simple(items.text):
            return LuaExpr(f"math.{name}(table.unpack({items}))", kind=item)
        extra = [] if key is None else [function_value(c, key, [item])]
        kind = item
        if default is not None:
            value = c.expr(default)
            extra = [*(extra or [LuaExpr("nil")]), value]
            kind = k.join(item, value.kind)
        return c.call(name, items, *extra, kind=kind)

    BUILTINS[name] = maker


def _of_several(c: Context, name: str, parts: list[LuaExpr]) -> LuaExpr:
    kind = k.join_all(tuple(p.kind for p in parts))
    if all(k.is_number(p.kind) for p in parts):
        if kind.name == "int":
            lows = [p.kind.low for p in parts if p.kind.low is not None]
            low = (max(lows) if lows else None) if name == "max" else (min(lows) if len(lows) == len(parts) else None)
            kind = k.at_least(low)
        return LuaExpr(f"math.{name}({', '.join(map(str, parts))})", kind=kind)
    return c.call(name, f"{{{', '.join(map(str, parts))}}}", kind=kind)


_extreme("min")
_extreme("max")


@builtin("sorted")
def _sorted(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, "key", "reverse", most=1)
    items = as_list(c, c.expr(node.args[0])) if keyword_value(node, "key") else as_unordered_list(c, node.args[0])
    extra = sort_options(c, node, k.item_of(items.kind))
    return c.call("sorted", items, *extra, kind=k.list_of(k.item_of(items.kind)), new=True)


def sort_options(c: Context, node: ast.Call, item: ValueKind) -> list[LuaExpr]:
    """Write the arguments ``key`` and ``reverse`` of a sort."""
    key, reverse = keyword_value(node, "key"), keyword_value(node, "reverse")
    made = LuaExpr("nil") if key is None else function_value(c, key, [item])
    if reverse is None:
        return [] if key is None else [made]
    return [made, condition_of(c, c.expr(reverse))]
