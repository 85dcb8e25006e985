"""Read sources, and keep the functions and snippets that can become problems in another language."""
