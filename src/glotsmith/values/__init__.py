"""The values and types that a test may use, with the parsers of both.

Values are plain Python: ``int float str bool None list tuple dict set``, nested. Types are written as Python
annotations. Tests are Python asserts over literals, the field's convention (MBPP; MultiPL-T §4.2).
"""

from glotsmith.values.asserts import Call, Check, parse_test, render_test, values_of
from glotsmith.values.declared import as_declared, of_type
from glotsmith.values.literals import literal, parse_value
from glotsmith.values.signatures import Parameter, Signature, call_as_declared, parse_signature, signature_of
from glotsmith.values.types import (
    ANY,
    BOOL,
    FLOAT,
    INT,
    MIXED,
    NONE,
    STR,
    Kind,
    NotLiteral,
    Type,
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
    "Kind",
    "NotLiteral",
    "Parameter",
    "Signature",
    "Type",
    "Value",
    "as_declared",
    "call_as_declared",
    "list_of",
    "literal",
    "of_type",
    "optional",
    "parse_signature",
    "parse_test",
    "parse_type",
    "parse_value",
    "render_test",
    "signature_of",
    "type_of",
    "unite",
    "unite_all",
    "values_of",
]
