"""Drop duplicates and items that overlap with a benchmark, each with a drop reason."""
