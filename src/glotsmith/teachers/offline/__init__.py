"""The ``offline`` teacher: a deterministic, rule-based translator from Python to the languages of its folders.

It needs no model, no key and no network. It refuses source that it cannot translate faithfully, and says why. Its
translations are verified by execution, like those of all teachers.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol, cast

from glotsmith.records import content_hash
from glotsmith.teachers.base import Reply, Request, Teacher
from glotsmith.teachers.offline import lua
from glotsmith.teachers.offline.refusals import CannotTranslate

__all__ = ["LANGUAGES", "CannotTranslate", "Offline", "translate"]

#: The target languages: each has a folder here, whose package is a ``Target``.
LANGUAGES = frozenset(module.name for module in iter_modules(__path__) if module.ispkg)


def languages_text() -> str:
    """Return the names of the target languages, for messages."""
    return " and ".join(sorted(map(str.capitalize, LANGUAGES)))


class Target(Protocol):
    """What the package of a target language defines."""

    FINGERPRINT: str  #: hash of the language's version number, which is incremented whenever a translation may change

    def translate(self, source: str, name: str, signature: str = "") -> str:
        """Translate a Python program into a program that defines the function ``name``.

        Raises:
            CannotTranslate: The program has no faithful translation.

        """
        ...


def _target(language: str) -> Target | None:
    return cast(Target, import_module(f"{__name__}.{language}")) if language in LANGUAGES else None


def translate(source: str, name: str, signature: str = "", language: str = "lua") -> str:
    """Translate a Python program into one of ``LANGUAGES``; ``signature`` has the types of the arguments.

    Raises:
        CannotTranslate: The program has no faithful translation.

    """
    target = _target(language)
    assert target is not None, language
    return target.translate(source, name, signature)


class Offline(Teacher):
    """The teacher: it replies to ``translate`` requests for its languages, with the same text for the same source."""

    name = "offline"
    is_free = True
    model = ""
    notice = ""
    structured = False
    fingerprint = lua.FINGERPRINT

    def address(self, request: Request) -> str:
        """Return the content address of the reply, which depends on the source and its signature, not on the prompt."""
        context = request.context
        target = _target(context.get("language", ""))
        fingerprint = target.FINGERPRINT if target else self.fingerprint
        parts = (context.get(part, "") for part in ("language", "name", "signature", "source"))
        return content_hash(fingerprint, request.call, "first" if request.sample == 0 else "more", *parts)

    async def reply(self, request: Request) -> Reply:
        """Translate ``context["source"]``, or refuse with a sentence. Only sample 0 gets a translation."""
        context = request.context
        target = _target(context.get("language", ""))
        if request.call != "translate" or target is None:
            return _refused(f"the offline teacher only translates to {languages_text()}")
        if request.sample:
            return _refused("the offline teacher has one translation of a function")
        try:
            code = target.translate(context.get("source", ""), context.get("name", ""), context.get("signature", ""))
        except CannotTranslate as refusal:
            return _refused(str(refusal))
        return Reply(text=code)

    async def close(self) -> None:
        """Do nothing."""


def _refused(detail: str) -> Reply:
    return Reply(text="", finish_reason="refused", detail=detail)
