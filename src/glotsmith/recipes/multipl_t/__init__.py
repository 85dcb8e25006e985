"""MultiPL-T: translate tested Python functions into low-resource languages (docs/recipes/multipl_t.md)."""
