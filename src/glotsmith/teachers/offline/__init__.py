"""The ``offline`` teacher: a deterministic, rule-based translator from Python to Lua 5.4.

It needs no model, no key and no network. It refuses source that it cannot translate faithfully, and says why. Its
translations are verified by execution, like those of all teachers.
"""

from glotsmith.records import content_hash
from glotsmith.teachers.base import Reply, Request, Teacher
from glotsmith.teachers.offline.lua import CannotTranslate
from glotsmith.teachers.offline.translate import VERSION, translate

__all__ = ["CannotTranslate", "Offline", "translate"]


class Offline(Teacher):
    """The teacher: it replies to ``translate`` requests for Lua, with the same text for the same source."""

    name = "offline"
    is_free = True
    model = ""
    notice = ""
    structured = False
    fingerprint = content_hash("offline", VERSION)

    def address(self, request: Request) -> str:
        """Return the content address of the reply, which depends on the source and its signature, not on the prompt."""
        context = request.context
        parts = (context.get(part, "") for part in ("language", "name", "signature", "source"))
        return content_hash(self.fingerprint, request.call, "first" if request.sample == 0 else "more", *parts)

    async def reply(self, request: Request) -> Reply:
        """Translate ``context["source"]``, or refuse with a sentence. Only sample 0 gets a translation."""
        context = request.context
        if request.call != "translate" or context.get("language") != "lua":
            return Reply(text="", finish_reason="refused", detail="the offline teacher writes only Lua")
        if request.sample:
            return Reply(
                text="", finish_reason="refused", detail="the offline teacher has one translation of a function"
            )
        try:
            code = translate(context.get("source", ""), context.get("name", ""), context.get("signature", ""))
        except CannotTranslate as refusal:
            return Reply(text="", finish_reason="refused", detail=str(refusal))
        return Reply(text=code)

    async def close(self) -> None:
        """Do nothing."""
