"""The package, ``--version``, the dataset cards and the changelog have one version."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import glotsmith
from glotsmith.datasets.card import DatasetCard, write_card
from glotsmith.datasets.dataset_counts import DatasetCounts


def test_one_version(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "glotsmith", "--version"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    card = write_card(tmp_path, DatasetCard(name="name"), DatasetCounts(), []).read_text("utf-8")
    changelog = (Path(__file__).parents[1] / "CHANGELOG.md").read_text("utf-8")
    assert version("glotsmith") == glotsmith.__version__
    assert printed == f"glotsmith {glotsmith.__version__}\n"
    assert f"\n- glotsmith: {glotsmith.__version__}\n" in card
    assert f"\n## [{glotsmith.__version__}] - 20" in changelog
