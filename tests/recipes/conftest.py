"""Lets the tests of each recipe import the helpers of this folder: pytest puts a conftest's folder on the path."""
