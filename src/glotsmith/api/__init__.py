"""The Python interface behind ``import glotsmith``; the command line is built on it."""
