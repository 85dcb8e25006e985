"""Generation: ask teachers for programs, and take the code out of their replies."""
