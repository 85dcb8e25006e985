"""Suites: test cases for a function, the evidence that they mean something, and the proof that they can fail."""
