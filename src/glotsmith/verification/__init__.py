"""Verification: a program and its tests become a verdict (ARCHITECTURE, "Verification")."""

from glotsmith.verification.verifier import Verifier

__all__ = ["Verifier"]
