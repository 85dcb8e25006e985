"""The base URL of a server, which may hold no credential."""

from urllib.parse import urlsplit

from glotsmith.errors import UsageError


def checked_url(url: str) -> str:
    """Return the URL without a trailing slash; a URL with a credential is refused and not repeated."""
    try:
        parsed = urlsplit(url.strip())
        secret = parsed.username or parsed.password or parsed.query
        known = parsed.scheme in ("http", "https") and parsed.hostname and parsed.port != 0
    except ValueError:
        raise UsageError("the base URL cannot be parsed; it should look like http://localhost:8000/v1") from None
    if secret:
        raise UsageError("the base URL must contain no password and no query; put the key into an environment variable")
    if not known:
        raise UsageError(f"{url!r} is not a base URL; it should look like http://localhost:8000/v1")
    return parsed._replace(fragment="").geturl().rstrip("/")
