"""The target Julia."""

from glotsmith.teachers.offline.julia.translate import FINGERPRINT, translate

__all__ = ["FINGERPRINT", "translate"]
