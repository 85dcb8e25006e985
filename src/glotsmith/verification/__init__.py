"""Verification: judge programs by their tests (ARCHITECTURE, "Verification")."""

from glotsmith.verification.verifier import Verifier

__all__ = ["Verifier"]
