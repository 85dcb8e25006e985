"""Tools for authors of languages: create and check a language, install toolchains, write docs/languages.md."""
