"""Inverse-Instruct: generate instructions from code, score and execute them (docs/recipes/inverse_instruct.md)."""
