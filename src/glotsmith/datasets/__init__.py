"""Verified solutions as a dataset: rows, files that ``datasets.load_dataset`` opens, and a card."""

from glotsmith.datasets.card import Card
from glotsmith.datasets.rows import LanguageFacts, example
from glotsmith.datasets.write import write_dataset

__all__ = ["Card", "LanguageFacts", "example", "write_dataset"]
