"""Evaluate models on benchmarks: pass@k with intervals over problems."""
