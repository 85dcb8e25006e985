"""Weigh the types that the text of a function suggests for its parameters.

Each hint adds weight to some types. The weights only order the trial calls and break ties; the results of the calls
decide.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterable

from glotsmith.records import Function
from glotsmith.suites.parameters import SourceParameter, body_without_docstring, parse_definition
from glotsmith.suites.usage_weights import weigh_usage
from glotsmith.values import ANY, MIXED, NONE, NotLiteral, Type, parse_type, type_of

#: type → its weight without any hint
PRIOR_WEIGHTS: dict[str, float] = {
    "int": 1.0,
    "list[int]": 1.0,
    "str": 0.95,
    "float": 0.5,
    "list[str]": 0.6,
    "list[list[int]]": 0.5,
    "dict[str, int]": 0.5,
    "list[tuple[int, int]]": 0.4,
    "tuple[int, ...]": 0.3,
    "bool": 0.3,
    "dict[int, list[int]]": 0.3,
    "list[float]": 0.3,
    "set[int]": 0.25,
    "list[list[str]]": 0.2,
    "dict[str, list[str]]": 0.2,
    "list[dict[str, int]]": 0.2,
    "dict[str, str]": 0.2,
    "dict[int, int]": 0.2,
    "list[tuple[str, int]]": 0.2,
    "None": 0.0,
}

_NAMES: tuple[tuple[str, str], ...] = (
    (r"n|k|m|i|j|p|q|r|num|number|count|size|len|length|width|height|depth|index|idx|start|stop|end|step|limit|base|"
     r"exp|power|order|degree|year|month|day|hour|minute|second|seconds|digits?|bits?|mod|modulus|level|max_?\w*|"
     r"min_?\w*|n_\w+|\w+_(count|size|len|length|index|id)|indent|chunk_?size|age|rank|times|seed|precision", "int"),
    (r"x|y|z|a|b|c|v|val|value|u|w|h|lo|hi|low|high|lower|upper", "int"),
    (r"rate|ratio|prob\w*|eps\w*|tol\w*|alpha|beta|gamma|theta|angle|lat\w*|lon\w*|price|amount|weight|temp\w*|"
     r"radius|mass|speed|velocity|distance|interest|factor|fraction|percent\w*|celsius|fahrenheit|[xy][12]", "float"),
    (r"s|s[12]|st|t|text|string|str\w*|word|line|name|\w+_name|prefix|suffix|sep\w*|delim\w*|char\w*|ch|pattern|msg|"
     r"message|title|path|url|key|source|src|sentence|phrase|label|token|code|content|html|expr\w*|letter|filename|"
     r"version|date|sequence|dna|email|query|data|input_\w*|hex\w*|binary|value|fmt|format|encoding|language", "str"),
    (r"xs|ys|lst|lists?|l|items?|seq\w*|iter\w*|it|arr\w*|data|values?|vals|nums|numbers|elements|array|vec\w*|a|b|"
     r"collection|ints|integers|coeffs?|indices|indexes|args|things|objs|objects|weights|lengths|sizes|population|"
     r"perm\w*|partition|stack|heap|queue|factors|shape", "list[int]"),
    (r"words|lines|strings|strs|names|tokens|keys|labels|paths|chars|texts|columns|fields|parts|args", "list[str]"),
    (r"matrix|mat|grid|board|rows|table|m|a|b|image|lol|nested\w*|lists|seqs|arrays|iterables|data", "list[list[int]]"),
    (r"d|d[12]|dic|dict\w*|mapping|map|counts|counter|freq\w*|scores|params|config|options|hist\w*|factors|data|"
     r"weights|kwargs", "dict[str, int]"),
    (r"g|graph|adj\w*|dag|tree|neighbou?rs|deps|dependencies|edges", "dict[int, list[int]]"),
    (r"points?|pairs|intervals|edges|ranges|coords|tuples|spans|segments|polygon|vertices", "list[tuple[int, int]]"),
    (r"point|pair|interval|coord\w*|pos\w*|shape|size|dims?|p[12]?|q", "tuple[int, ...]"),
    (r"flag|is_\w+|has_\w+|use_\w+|reverse\w*|strict|verbose|inclusive|ignore_\w+|allow_\w+|include_\w+|sort\w*|"
     r"inverse|default|signed|full|exact|case_\w+|\w+_only|normali[sz]e\w*|upper|lower", "bool"),
    (r"set\w*|s[12]|a|b|universe|visited|seen", "set[int]"),
)  # fmt: skip
_NAME_TABLE = tuple((re.compile(pattern, re.IGNORECASE), tag) for pattern, tag in _NAMES)

_WORDS = {
    "int": "int", "integer": "int", "integers": "list[int]", "number": "int", "float": "float", "str": "str",
    "string": "str", "strings": "list[str]", "list": "list[int]", "sequence": "list[int]", "iterable": "list[int]",
    "array": "list[int]", "tuple": "tuple[int, ...]", "dict": "dict[str, int]", "dictionary": "dict[str, int]",
    "mapping": "dict[str, int]", "set": "set[int]", "bool": "bool", "boolean": "bool", "matrix": "list[list[int]]",
    "text": "str", "numbers": "list[int]", "iterator": "list[int]", "collection": "list[int]",
    "abstractset": "set[int]", "mutablemapping": "dict[str, int]", "mutablesequence": "list[int]",
    "frozenset": "set[int]", "real": "float", "complex": "float", "supportsint": "int", "anystr": "str",
    "supportsindex": "int", "hashable": "int", "t": "int", "list_": "list[int]",
}  # fmt: skip


def rank_types(function: Function, parameter: SourceParameter) -> list[tuple[Type, float]]:
    """Return types with their weights, likeliest first. The order is the same in every run."""
    weights: Counter[Type] = Counter({parse_type(tag): weight for tag, weight in PRIOR_WEIGHTS.items()})
    _add_weights(weights, _annotation_hints(parameter.annotation))
    _add_weights(weights, _default_hints(parameter))
    _add_weights(weights, _name_hints(parameter.name))
    _add_weights(weights, _docstring_hints(function.docstring, parameter.name))
    _add_weights(weights, weigh_usage(body_without_docstring(parse_definition(function)), parameter.name))
    return sorted(weights.items(), key=lambda pair: (-pair[1], str(pair[0])))


def _add_weights(weights: Counter[Type], hints: Iterable[tuple[Type, float]]) -> None:
    for kind, weight in hints:
        if kind not in (ANY, MIXED):
            weights[kind] += weight  # type: ignore[assignment]  # Counter's values may be floats


def _annotation_hints(text: str) -> list[tuple[Type, float]]:
    if not text:
        return []
    try:
        found = parse_type(text)
    except NotLiteral:
        words = re.findall(r"[A-Za-z_]+", text)
        return [(parse_type(_WORDS[w.lower()]), 4.0) for w in words[:2] if w.lower() in _WORDS]
    inner = found.args[0] if found.kind == "optional" else found
    return [(_concrete(inner), 12.0), *([(NONE, 1.0)] if found.kind == "optional" else [])]


def _concrete(kind: Type) -> Type:
    """Return a type whose unknown parts are ``int`` (``str`` for keys): ``list`` becomes a list of int."""
    if kind.kind in ("any", "mixed"):
        return parse_type("int")
    if kind.kind == "dict" and kind.args[0] == ANY:
        return Type("dict", (parse_type("str"), _concrete(kind.args[1])))
    return Type(kind.kind, tuple(map(_concrete, kind.args)))


def _default_hints(parameter: SourceParameter) -> list[tuple[Type, float]]:
    if parameter.default is None:
        return []
    found = _concrete(type_of(parameter.default.value))
    return [(found, 3.0 if found == NONE else 6.0)]


def _name_hints(name: str) -> list[tuple[Type, float]]:
    return [(parse_type(tag), 1.5) for pattern, tag in _NAME_TABLE if pattern.fullmatch(name.strip("_"))]


def _docstring_hints(docstring: str, name: str) -> list[tuple[Type, float]]:
    """Return hints of ``name : int`` (numpy), ``name (str):`` (Google) and ``:type name: list of ints`` (Sphinx)."""
    pattern = rf"(?:^|:type\s+|:param\s+|[\s*`]){re.escape(name)}`?\s*[:(]\s*([^\n]{{0,60}})"
    found: list[tuple[Type, float]] = []
    for text in re.findall(pattern, docstring)[:3]:
        tags = [_WORDS[w] for w in re.findall(r"[a-z]+", text.lower()) if w in _WORDS]
        found += [(parse_type(tag), 3.0) for tag in _nested(tags)]
    return found


def _nested(tags: list[str]) -> list[str]:
    """Return the type of a phrase such as ``list of strings``, in a list; [] for no type."""
    if tags[:1] == ["list[int]"] and len(tags) > 1:
        return [{"str": "list[str]", "list[int]": "list[list[int]]", "float": "list[float]"}.get(tags[1], tags[1])]
    return tags[:1]


def is_called(function: Function, name: str) -> bool:
    """Return whether the body calls the parameter. (A function cannot be a literal.)"""
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
        for node in ast.walk(parse_definition(function))
    )
