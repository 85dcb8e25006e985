"""Evaluation: the same runner as for data, over benchmarks, with pass@k and an interval by problem."""
