"""The table of methods by the kind of their receiver, which the modules of methods fill."""

import ast
from collections.abc import Callable

from glotsmith.teachers.offline.context import Context
from glotsmith.teachers.offline.lua import E

Method = Callable[[Context, ast.Call, ast.expr, E], E]  # context, call, receiver's node, receiver
METHODS: dict[str, dict[str, Method]] = {"str": {}, "list": {}, "dict": {}, "set": {}, "int": {}}


def method(receiver: str, *names: str) -> Callable[[Method], Method]:
    """Register a method."""

    def register(maker: Method) -> Method:
        for name in names:
            METHODS[receiver][name] = maker
        return maker

    return register
