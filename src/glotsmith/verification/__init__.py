"""Verification: judge programs by their tests (ARCHITECTURE, "Verification").

- ``verifier``: runs the program of a job and returns its verdict.
- ``judge``: makes the verdict of an outcome of the sandbox.
- ``compare``: compares a result with an expected value.
- ``satisfy``: evaluates a check on a result, such as an inequality.
"""

from glotsmith.verification.verifier import Verifier

__all__ = ["Verifier"]
