"""Which of the verified items stay: duplicates and items that overlap with a benchmark go, each with its reason."""
