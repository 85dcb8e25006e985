"""Inverse-Instruct: summarise code into instructions, score and execute them (docs/recipes/inverse_instruct.md)."""
