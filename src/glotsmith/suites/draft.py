"""Draft suites: a function with calls to try, without expected values. The writers make them, validation reads them."""

from glotsmith.records import Function, Record


class DraftCase(Record, frozen=True, kw_only=True):
    """One call: a test without its expected value."""

    arguments: str  #: a tuple of literals, one for each of the draft's parameters: ``(3, 'a')``
    writer: str  #: ``teacher``, ``doctest`` or ``generated``


class DraftSuite(Record, frozen=True, kw_only=True):
    """A function with candidate calls."""

    function: Function
    parameters: tuple[str, ...]  #: the names of the parameters that every call passes, in order
    calls: tuple[DraftCase, ...]
