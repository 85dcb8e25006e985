"""Write verified solutions as a dataset: rows, files that ``datasets.load_dataset`` opens, and a card."""

from glotsmith.datasets.card import DatasetCard
from glotsmith.datasets.examples import RowSyntax, make_example
from glotsmith.datasets.exporters.dataset_folder import write_dataset

__all__ = ["DatasetCard", "RowSyntax", "make_example", "write_dataset"]
