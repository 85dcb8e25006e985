"""Tools for the authors of languages: create and check a language, install toolchains, write the languages' page."""
