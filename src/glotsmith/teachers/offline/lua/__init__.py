"""The target Lua 5.4."""

from glotsmith.teachers.offline.lua.translate import FINGERPRINT, translate

__all__ = ["FINGERPRINT", "translate"]
