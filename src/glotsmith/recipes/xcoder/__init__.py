"""xCoder: language agents with memory pose new problems (docs/recipes/xcoder.md)."""
