"""The language kit: proves a card, starts one, installs toolchains, and writes the languages' page."""
