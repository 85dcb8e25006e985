"""Add the tables of ``json_values.toml`` to a card of level ``io``, so that its programs exchange values as JSON."""

import tomllib
from pathlib import Path
from typing import Any

JSON_VALUES = Path(__file__).with_name("json_values.toml")


def add_json_values(card: dict[str, Any]) -> dict[str, Any]:
    """Return the tables of a card with those of JSON, if its level is ``io``; entries of the card take precedence."""
    if card.get("level") != "io":
        return card
    shared = tomllib.loads(JSON_VALUES.read_text("utf-8"))
    return {**card, **{name: {**table, **card.get(name, {})} for name, table in shared.items()}}
