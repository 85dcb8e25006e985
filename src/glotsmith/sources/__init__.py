"""Sources: Python functions from packages, folders, files and datasets, and the filters that choose among them."""
