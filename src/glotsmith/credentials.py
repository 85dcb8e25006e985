"""Detect keys and passwords, so that none is stored or printed.

A setting is refused because of its name (``api_key``, ``Authorization``) or its value: a known form of key, a URL with
a password, or the value of an environment variable with a secret name. No message repeats a value.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import cast
from urllib.parse import parse_qsl, urlsplit

import msgspec

from glotsmith.errors import UsageError

HIDDEN = "[key]"  #: replaces credentials in texts

_SECRET_WORDS = frozenset(
    {"secret", "secrets", "password", "passwd", "passphrase", "pwd", "authorization", "apikey", "apikeys"}
    | {"credential", "credentials", "bearer", "cookie", "cookies", "jwt", "accesskey", "privatekey"}
)
_SECRET_PAIRS = frozenset(
    {("api", "key"), ("api", "keys"), ("access", "key"), ("private", "key"), ("auth", "key"), ("api", "token")}
    | {("access", "token"), ("auth", "token"), ("refresh", "token"), ("bearer", "token"), ("id", "token")}
)
#: A name that ends in one of these words is secret if its value is text.
_SECRET_LAST_WORDS = frozenset({"key", "token", "auth", "pat"})
_HARMLESS_LAST_WORDS = frozenset(
    {"env", "file", "path", "variable", "name", "names", "id", "ids", "type", "field", "column", "limit", "count"}
)
_HARMLESS_TOKEN_WORDS = frozenset(  #: ``eos_token``, ``prompt_cache_key``
    {"eos", "bos", "pad", "stop", "unk", "mask", "start", "end", "sep", "cls", "special", "new", "cache"}
)
_PREFIXED = re.compile(
    r"(?<![A-Za-z0-9])(?P<prefix>sk|pk|rk|xai|gsk|hf|gh[pousr]|github_pat|glpat|nvapi|pplx|r8|fw|tgp|xox[abeprs]|npm|"
    r"pypi|dop_v1|lsv2|voyage|jina)[-_](?P<body>[A-Za-z0-9_-]+)"
)
_FIXED = (
    re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{12,}"),
    re.compile(r"(?<![A-Za-z0-9])AIza[\w-]{20,}"),
    re.compile(r"(?<![A-Za-z0-9])ya29\.[\w-]{8,}"),
    re.compile(r"(?<![A-Za-z0-9])eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:.*?-----END [A-Z ]*PRIVATE KEY-----)?", re.DOTALL),
    re.compile(r"(?i)\b(?:bearer|basic)\s+(?=\S*[0-9+/=_-])[A-Za-z0-9+/=._~-]{6,}"),
    re.compile(r"(?i)\b(?:x-)?(?:api[-_]?key|authorization)\s*[:=]\s*\S+"),
)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]+")
_MIN_ENVIRONMENT_VALUE = 12  #: characters; shorter values (``EMPTY``) may be words of a text
_MIN_HEADER_VALUE = 16  #: a header value of this length with letters and digits is treated as a credential


def is_secret_setting(name: str, value: object = "text") -> bool:
    """Return whether a setting with this name and value is a credential."""
    if value is None or value == "" or isinstance(value, bool):
        return False
    words = _words(name)
    if not words or words[-1] in _HARMLESS_LAST_WORDS:
        return False
    if _SECRET_WORDS & {*words} or _SECRET_PAIRS & {*pairwise(words)}:
        return True
    before = words[-2] if len(words) > 1 else ""
    return isinstance(value, str) and words[-1] in _SECRET_LAST_WORDS and before not in _HARMLESS_TOKEN_WORDS


def _words(name: str) -> list[str]:
    """Return the words of a name in any of the usual spellings, in lower case."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.findall(r"[A-Za-z0-9]+", spaced)]


def redact(text: str) -> str:
    """Return a text with everything that looks like a credential replaced by ``[key]``."""
    for secret in sorted({*_find_credentials(text)}, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def is_secret_value(text: str) -> bool:
    """Return whether a text holds what looks like a credential."""
    return next(_find_credentials(text), None) is not None


def _find_credentials(text: str) -> Iterator[str]:
    """Yield the parts of a text that look like credentials."""
    yield from (match[0] for match in _PREFIXED.finditer(text) if _is_key_body(match["prefix"], match["body"]))
    for pattern in _FIXED:
        yield from (match[0] for match in pattern.finditer(text))
    for match in _URL.finditer(text):
        yield from _url_credentials(match[0])
    yield from (value for value in _environment_credentials() if value in text)


def _is_key_body(prefix: str, body: str) -> bool:
    """Return whether a text is the body of a key (``3fA9…``), not words of a name (``sk-learn``, ``hf_datasets``)."""
    parts = re.split("[-_]", body)
    if prefix.startswith("xox") and len(body) >= 16:
        return True
    if prefix == "sk" and (len(body) >= 16 or any(len(p) >= 6 and re.search("[0-9]", p) for p in parts)):
        return True
    mixed = any(len(p) >= 8 and re.search("[0-9]", p) and re.search("[A-Za-z]", p) for p in parts)
    return mixed or any(len(p) >= 20 for p in parts)


def _url_credentials(url: str) -> Iterator[str]:
    """Yield the user information and the secret parameters of a URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    user, at, _ = parts.netloc.rpartition("@")
    if at and user != "git":
        yield f"{user}@"
    for name, value in parse_qsl(f"{parts.query}&{parts.fragment}"):
        if value and (is_secret_setting(name) or name.lower() in ("sig", "signature", "sas")):
            yield value


def _environment_credentials() -> Iterator[str]:
    """Yield the values of the environment variables that hold credentials."""
    for name, value in os.environ.items():
        text = value.strip()
        if len(text) >= _MIN_ENVIRONMENT_VALUE and not text.startswith(("/", ".")) and is_secret_setting(name, text):
            yield text


def refuse_secrets(table: Mapping[str, object], where: str = "") -> None:
    """Raise an error if a setting, also in nested tables and lists, looks like a credential.

    Raises:
        UsageError: a setting looks like a credential. The message names the setting and does not repeat the value.

    """
    for path, name, value in _leaves(table):
        if is_secret_setting(name, value) or _is_secret(path, value) or is_secret_value(name):
            setting_path = redact(".".join(path))
            raise UsageError(
                f"{f'{where}: ' if where else ''}{setting_path} looks like a key or a password. glotsmith never stores "
                "one: put it into an environment variable (OPENAI_API_KEY, or the one that teacher.api_key_env names)"
            )


def _is_secret(path: Sequence[str], value: object) -> bool:
    if not isinstance(value, str):
        return False
    if is_secret_value(value):
        return True
    in_header = any({"header", "headers"} & {*_words(name)} for name in path)
    return (
        in_header and re.fullmatch(rf"(?=.*[0-9])(?=.*[A-Za-z])[\w+/=.~-]{{{_MIN_HEADER_VALUE},}}", value) is not None
    )


def _leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str, object]]:
    """Yield the path, the last name and the value of every value in tables and lists."""
    if isinstance(value, Mapping):
        for name, inner in cast("Mapping[object, object]", value).items():
            yield from _leaves(inner, (*path, str(name)))
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for inner in cast("Sequence[object]", value):
            yield from _leaves(inner, path)
    else:
        yield path, path[-1] if path else "", value


def refuse_arguments(arguments: Sequence[str]) -> None:
    """Raise an error if an argument of a command line looks like a credential; call it before arguments are parsed.

    Raises:
        UsageError: see ``refuse_secrets``.

    """
    option = ""
    for argument in arguments:
        name, equals, text = argument.partition("=")
        if argument.startswith("-") and not equals:
            attached = not argument.startswith("--")  # ``-oPATH``
            option_text = argument[:2] if attached and len(argument) > 2 else "the command line"
            refuse_secrets({option_text: [argument, argument[2:]]})
            option = argument
            continue
        if equals and re.fullmatch(r"[\w.-]+", name):
            refuse_secrets({f"{option} {name}".strip(): _value(text)})
        refuse_secrets({option or "an argument": argument})
        option = ""


def _value(text: str) -> object:
    """Return the value of ``NAME=VALUE``: JSON where it is a table or a list, else text."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return text
