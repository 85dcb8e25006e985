"""Write ``src/glotsmith/teachers/prices.toml`` from the data of the package genai-prices (MIT).

    pip install genai-prices
    python scripts/price_table.py > src/glotsmith/teachers/prices.toml

Only models with one price for input and one for output are written. A price that depends on the length of the prompt,
on the hour or on a tier is left out, so that such a model has an unknown price.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from genai_prices.data import providers  # pyright: ignore[reportMissingImports]

HOSTS = {
    "openai": "api.openai.com",
    "deepseek": "api.deepseek.com",
    "google": "generativelanguage.googleapis.com",
    "groq": "api.groq.com",
    "mistral": "api.mistral.ai",
    "moonshotai": "api.moonshot.ai",
    "together": "api.together.xyz",
    "x-ai": "api.x.ai",
    "zai": "api.z.ai",
    "cerebras": "api.cerebras.ai",
}
#: parts of names of models that do not write text, or that the host does not serve
LEFT_OUT = (
    "image",
    "audio",
    "embed",
    "tts",
    "whisper",
    "realtime",
    "transcribe",
    "moderation",
    "search",
    "ocr",
    "claude",
)


def names(match: Any) -> Iterator[str]:
    """Yield the names that a model is matched by exactly."""
    for clause in getattr(match, "or_", [match]):
        if (name := getattr(clause, "equals", None)) is not None:
            yield name


def models(provider: Any) -> dict[str, tuple[Decimal, Decimal]]:
    """Return name → price of input and of output, in US dollars per million tokens."""
    found = dict[str, tuple[Decimal, Decimal]]()
    for model in provider.models:
        price = model.prices
        pair = (None, None) if isinstance(price, list) else (price.input_mtok, price.output_mtok)
        if all(isinstance(one, Decimal) for one in pair):
            found |= dict.fromkeys([model.id, *names(model.match)], pair)
    return {name: found[name] for name in sorted(found) if not any(part in name.lower() for part in LEFT_OUT)}


def table() -> Iterator[str]:
    """Yield the lines of the file."""
    yield "# US dollars per million tokens: [input, output]. scripts/price_table.py writes this file."
    yield f'source = "genai-prices {version("genai-prices")} (MIT), from the pages of the providers"'
    yield f"date = {datetime.now(UTC).date()}  # when the package was read"
    for provider in providers:
        if host := HOSTS.get(provider.id):
            yield f'\n[hosts."{host}"]  # {provider.pricing_urls[0]}'
            for name, (one, two) in models(provider).items():
                yield f'"{name}" = [{one}, {two}]'


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in table())
