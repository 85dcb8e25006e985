"""The values and types that tests use, and their parsers.

Values are plain Python: ``int float str bool None list tuple dict set``, nested. Types are written as Python
annotations. Tests are Python asserts over literals, as in MBPP and MultiPL-T §4.2.
"""

from glotsmith.values.asserts import Call, Check, expected_values, parse_test, render_test
from glotsmith.values.declared import coerce_value, rebuild_container
from glotsmith.values.literals import literal, parse_value
from glotsmith.values.signatures import Parameter, Signature, coerce_call, infer_signature, parse_signature
from glotsmith.values.types import (
    ANY,
    BOOL,
    FLOAT,
    INT,
    MIXED,
    NONE,
    STR,
    NotLiteral,
    Type,
    TypeKind,
    Value,
    list_of,
    optional,
    parse_type,
    type_of,
    unite,
    unite_all,
)

__all__ = [
    "ANY",
    "BOOL",
    "FLOAT",
    "INT",
    "MIXED",
    "NONE",
    "STR",
    "Call",
    "Check",
    "NotLiteral",
    "Parameter",
    "Signature",
    "Type",
    "TypeKind",
    "Value",
    "coerce_call",
    "coerce_value",
    "expected_values",
    "infer_signature",
    "list_of",
    "literal",
    "optional",
    "parse_signature",
    "parse_test",
    "parse_type",
    "parse_value",
    "rebuild_container",
    "render_test",
    "type_of",
    "unite",
    "unite_all",
]
