"""The command line for ``python -m glotsmith``."""

from glotsmith.cli import main

if __name__ == "__main__":
    main()
