"""Read the data of a page of a report, as the script of the page does."""

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

Page = dict[str, Any]


def read(file: Path) -> Page:
    """Return the data elements of a page, by id."""
    found = re.findall(r'<script type="application/gzip" id="(\w+)">([^<]*)</script>', file.read_text("utf-8"))
    return {name: json.loads(gzip.decompress(base64.b64decode(data))) for name, data in found}


def rows_of(page: Page, number: int = 0, *, details: bool = True) -> list[dict[str, Any]]:
    """Return the rows that the list of a run shows, with their details."""
    index, rows = page["summary"]["runs"][number]["index"], list[dict[str, Any]]()
    for block in range(index["blocks"]):
        columns = page[f"r{number}i{block}"]
        for i in range(len(columns["key"])):
            row = {name: values[i] for name, values in columns.items()}
            row |= {name: texts[row[name]] for name, texts in index["texts"].items()}
            rows.append(row | ({"detail": page[f"r{number}b{row['block']}"][row["place"]]} if details else {}))
    return rows
