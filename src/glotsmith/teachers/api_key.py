"""The API key: read from the environment, sent to the server, and removed from all other texts."""

import html
import json
import os
import re
from urllib.parse import quote

from glotsmith.errors import UsageError

_NAME = re.compile("[A-Z][A-Z0-9]{0,15}(_[A-Z0-9]{1,15})+")  #: form of the names of environment variables
_SHORTEST_SECRET = 12  #: characters; keys of local servers may be words such as ``EMPTY``, which code may contain


class ApiKey:
    """A secret that its ``repr`` does not show, and that can be removed from texts."""

    def __init__(self, variable: str, value: str) -> None:
        self.variable = variable  #: the environment variable of the key
        self._value = value
        forms = {value, json.dumps(value)[1:-1], quote(value, safe="")}
        forms |= {html.escape(value, quote=quotes) for quotes in (False, True)}
        self._forms = sorted(forms - {""}, key=len, reverse=True)  # plain, and escaped for JSON, HTML and URLs

    @classmethod
    def from_env(cls, variable: str, *, required: bool) -> "ApiKey":
        """Read the key from an environment variable; if it is not set, requests have no key.

        Raises:
            UsageError: the variable is required and not set, or its value cannot be sent in a header.

        """
        value = os.environ.get(variable, "").strip()
        if (
            required and not value and not _NAME.fullmatch(variable)
        ):  # it may be the key itself, so the message must not repeat it
            raise UsageError(
                "no environment variable has the name in api_key_env. Set api_key_env to the name of the environment "
                "variable that contains the key, such as OPENAI_API_KEY"
            )
        if required and not value:
            raise UsageError(f"the environment variable {variable} is not set. Set it to your API key")
        if not (value.isascii() and value.isprintable() and " " not in value):
            raise UsageError(
                f"the environment variable {variable} does not contain a valid key: a key is a word of ASCII characters"
            )
        return cls(variable, value)

    def __repr__(self) -> str:
        return f"ApiKey({self.variable})"

    @property
    def headers(self) -> dict[str, str]:
        """The header with the key (RFC 6750 §2.1); {} without a key."""
        return {"Authorization": f"Bearer {self._value}"} if self._value else {}

    def redact(self, text: str) -> str:
        """Replace the key in ``text``, plain or escaped for JSON, HTML and URLs."""
        for form in self._forms:
            text = text.replace(form, "[key]")
        return text

    def redact_reply(self, text: str) -> str:
        """Replace the key in the text of a model, unless it is so short that it may be a word of code."""
        return self.redact(text) if len(self._value) >= _SHORTEST_SECRET else text
