"""Draft suites: a function with calls, without expected values. Writers make them, and validation reads them."""

from glotsmith.records import Function, Record


class DraftCase(Record, frozen=True, kw_only=True):
    """A call: a test without its expected value."""

    arguments: str  #: a tuple of literals, one for each parameter of the draft, such as ``(3, 'a')``
    writer: str  #: ``teacher``, ``doctest`` or ``generated``


class DraftSuite(Record, frozen=True, kw_only=True):
    """A function with candidate calls."""

    function: Function
    parameters: tuple[str, ...]  #: the names of the parameters that every call passes, in order
    calls: tuple[DraftCase, ...]
