"""Languages: one folder each, with a card of facts and a driver.

``get("lua")`` and ``names()`` read the folders beside this file; there is no list to edit.
"""

from glotsmith.languages import toolchain
from glotsmith.languages.card import Card, get, names
from glotsmith.languages.render import Unrepresentable

__all__ = ["Card", "Unrepresentable", "get", "names", "toolchain"]
