"""Derive the columns of a dataset from ``records.Example``, for Arrow, for the card and for rows.

Every row has every field, also with default values, because loaders infer columns from rows.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, cast

import msgspec
from msgspec import inspect as types

from glotsmith.records import Example

ColumnType = str | list["ColumnType"] | Mapping[str, "ColumnType"]  #: a type name, a list of one type, or a struct
_MESSAGE: ColumnType = {"role": "string", "content": "string"}  #: replaces the dict of the record, which Arrow lacks


@cache
def columns() -> Mapping[str, ColumnType]:
    """Return the type of each column, in order."""
    found = cast(Mapping[str, ColumnType], _column_type(types.type_info(Example)))
    return {**found, "messages": [_MESSAGE]}


def _column_type(kind: types.Type) -> ColumnType:
    match kind:
        case types.StrType():
            return "string"
        case types.IntType():
            return "int64"
        case types.FloatType():
            return "float64"
        case types.BoolType():
            return "bool"
        case types.VarTupleType(item_type=item):
            return [_column_type(item)]
        case types.StructType(fields=fields):
            return {field.encode_name: _column_type(field.type) for field in fields}
        case types.DictType():
            return "string"
        case _:
            raise NotImplementedError(f"records.Example has a field of a type without a column: {kind}")


def plain(value: Any) -> Any:
    """Return a record as dicts and lists, including fields with default values."""
    match value:
        case msgspec.Struct():
            return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
        case tuple():
            return [plain(item) for item in cast(tuple[Any, ...], value)]
        case _:
            return value


def arrow() -> Any:
    """Import pyarrow."""
    return cast(Any, import_module("pyarrow"))


def arrow_type(node: ColumnType) -> Any:
    """Return the type of a column as a type of pyarrow."""
    pa = arrow()
    match node:
        case str():
            return pa.type_for_alias(node)
        case list():
            return pa.list_(arrow_type(node[0]))
        case _:
            return pa.struct([(name, arrow_type(inner)) for name, inner in node.items()])


def features(node: Mapping[str, ColumnType] | None = None, indent: str = "  ") -> list[str]:
    """Return the columns as YAML lines of the field ``features`` of a dataset card."""
    lines: list[str] = []
    for name, inner in (node or columns()).items():
        lines.append(f"{indent}- name: {name}")
        lines += _feature_lines(inner, indent + "  ")
    return lines


def _feature_lines(node: ColumnType, indent: str) -> list[str]:
    match node:
        case str():
            return [f"{indent}dtype: {node}"]
        case [str() as item]:
            return [f"{indent}list: {item}"]
        case [Mapping() as item]:
            return [f"{indent}list:", *features(item, indent)]
        case list():
            raise NotImplementedError(f"a card cannot describe a list of lists: {node}")
        case _:
            return [f"{indent}struct:", *features(node, indent)]
