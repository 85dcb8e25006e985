"""The API key: read from the environment, sent to the server, and shown nowhere else."""

import html
import json
import os
import re
from urllib.parse import quote

from glotsmith.errors import UsageError

_NAME = re.compile("[A-Z][A-Z0-9]{0,15}(_[A-Z0-9]{1,15})+")  #: of a variable, as people write it
_SHORTEST_SECRET = 12  #: characters; local servers are given words such as ``EMPTY``, which code may contain


class ApiKey:
    """A secret with a harmless ``repr``, which can strike itself out of texts."""

    def __init__(self, variable: str, value: str) -> None:
        self.variable = variable  #: the environment variable that it is read from
        self._value = value
        forms = {value, json.dumps(value)[1:-1], quote(value, safe="")}
        forms |= {html.escape(value, quote=quotes) for quotes in (False, True)}
        self._forms = sorted(forms - {""}, key=len, reverse=True)  # plain, and escaped as in JSON, HTML and URLs

    @classmethod
    def from_env(cls, variable: str, *, required: bool) -> "ApiKey":
        """Read the key from an environment variable; without one, requests carry no key.

        Raises:
            UsageError: the variable is required and not set, or its value can't be sent as a header.

        """
        value = os.environ.get(variable, "").strip()
        if required and not value and not _NAME.fullmatch(variable):  # it may be the key itself, and is not repeated
            raise UsageError(
                "api_key_env is the name of an environment variable that holds the key, such as OPENAI_API_KEY, "
                "and none of the name that it holds is set"
            )
        if required and not value:
            raise UsageError(f"the environment variable {variable} is not set: export your key in it")
        if not (value.isascii() and value.isprintable() and " " not in value):
            raise UsageError(f"the environment variable {variable} does not hold a key: a key is one word of ASCII")
        return cls(variable, value)

    def __repr__(self) -> str:
        return f"ApiKey({self.variable})"

    @property
    def headers(self) -> dict[str, str]:
        """The header that carries the key (RFC 6750 §2.1); none without a key."""
        return {"Authorization": f"Bearer {self._value}"} if self._value else {}

    def redact(self, text: str) -> str:
        """Strike the key out of ``text``, plain or escaped as in JSON, HTML and URLs."""
        for form in self._forms:
            text = text.replace(form, "[key]")
        return text

    def redact_reply(self, text: str) -> str:
        """Strike the key out of a model's text, unless it is too short to be a secret and might be code."""
        return self.redact(text) if len(self._value) >= _SHORTEST_SECRET else text
